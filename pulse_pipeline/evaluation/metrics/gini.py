"""Gini@k: how unequally recommendations are spread over the catalogue."""

import numpy as np

from pulse_pipeline.thought_space.data import IntArray


def gini(lists: IntArray, n_items: int) -> float:
    """Gini index of how often each item of the catalogue is recommended.

    Half the mean difference between two items' counts, relative to the mean count.

    Args:
        lists: Recommended items, -1 where a list is short [n_users, k].
        n_items: Size of the catalogue.

    Returns:
        0 where all items are recommended equally often, 1 - 1 / n_items where only one is; 0 where
        nothing is recommended.
    """
    counts = np.sort(np.bincount(lists[lists >= 0], minlength=n_items))
    total = counts.sum()
    if not total:
        return 0.0
    places = np.arange(1, n_items + 1)
    return float(((2 * places - n_items - 1) * counts).sum() / (n_items * total))

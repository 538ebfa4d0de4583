"""Coverage@k: the share of the catalogue that is recommended to anybody."""

import numpy as np

from pulse_pipeline.thought_space.data import IntArray


def coverage(lists: IntArray, n_items: int) -> float:
    """Catalogue coverage (Ge, Delgado-Battenfeld & Jannach, RecSys 2010).

    Args:
        lists: Recommended items, -1 where a list is short [n_users, k].
        n_items: Size of the catalogue.

    Returns:
        Between 0 and 1. Few users cannot cover a large catalogue: at most n_users k / n_items.
    """
    return len(np.unique(lists[lists >= 0])) / n_items

"""What is taken lately: counted, not learned.

A model that is trained on all of the past knows what was popular over the years; what it is asked for comes
after. Ji et al. (SIGIR 2020) show how much popularity gains from looking at what is recent.
"""

import numpy as np

from pulse_pipeline.thought_space.data import DomainData, FloatArray

SHARE = 0.2
"""The latest part of all training interactions that counts as lately, chosen on validation items."""


def latest_counts(data: DomainData, share: float = SHARE) -> FloatArray | None:
    """How often each item is among the latest training interactions of all users.

    Args:
        data: The domain.
        share: Part of the training interactions that counts; what happened at one moment counts together.

    Returns:
        Counts [n_items]; None where times are unknown or nothing is trained on.
    """
    if data.times is None or not data.n_train.any():
        return None
    lengths = list(data.n_train)
    items = np.concatenate([own[:n] for own, n in zip(data.sequences, lengths, strict=True)])
    times = np.concatenate([own[:n] for own, n in zip(data.times, lengths, strict=True)])
    since = np.quantile(times, 1 - share, method="higher")
    return np.bincount(items[times >= since], minlength=data.n_items).astype(np.float32)


def trend(data: DomainData) -> FloatArray:
    """log(1 + count) of each item among the latest; zero where times are unknown [n_items]."""
    counts = latest_counts(data)
    return np.zeros(data.n_items, np.float32) if counts is None else np.log1p(counts)

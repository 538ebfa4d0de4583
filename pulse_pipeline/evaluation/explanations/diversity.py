"""Diversity: are rationales about their own user, or the same for everybody?

* *pairwise distance*: one minus the cosine of two users' rationales, in the mean over all pairs; beside it
  the same of their newest items' texts, which is how far apart the users are.
* *specificity*: how often a rationale lies nearer to its own user's history than to another's; chance is
  one half.
* *distinct-2*: different pairs of neighbouring words over all of them (Li et al., NAACL 2016). It falls with
  the amount of text, so compare equal numbers of users.
* *duplicates*: the share of users whose rationale, to the letter, another user has too.
"""

from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl

from pulse_pipeline.evaluation.explanations.served import Served
from pulse_pipeline.rationales.checks.words import as_words
from pulse_pipeline.thought_space.data import FloatArray
from pulse_pipeline.thought_space.geometry import centred, measure


def pairwise_distance(vectors: FloatArray) -> FloatArray:
    """Mean cosine distance of each vector to all others.

    The mean over users is that over pairs; users are drawn for its interval as if they were independent,
    which pairs are not: it is somewhat too narrow.

    Args:
        vectors: Unit vectors, two at least [n, d].

    Returns:
        Distances in 0 to 2 [n].
    """
    others = vectors.sum(axis=0) - vectors
    cosines = (vectors * others).sum(axis=1) / (len(vectors) - 1)
    return np.asarray(1.0 - cosines, dtype=np.float32)


def specificity(rationales: FloatArray, histories: FloatArray) -> FloatArray:
    """Share of the other users whose history is farther from a rationale than its own user's; ties half.

    Args:
        rationales: Unit vectors, two at least [n, d].
        histories: Unit vectors of the same users [n, d].

    Returns:
        Shares in 0 to 1 [n].
    """
    cosines = rationales @ histories.T
    own = np.diagonal(cosines)[:, None]
    # The own history ties with itself, which is no other user.
    farther = (cosines < own).sum(axis=1) + 0.5 * ((cosines == own).sum(axis=1) - 1)
    return np.asarray(farther / (len(rationales) - 1), dtype=np.float32)


def distinct_2(texts: list[str]) -> float:
    """Different word pairs over all word pairs, in 0 to 1; 0 where no text has two words."""
    words = pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(as_words(pl.col("text")))
    pairs = Counter(pair for text in words.to_series() for pair in pairwise(text.split()))
    return len(pairs) / pairs.total() if pairs else 0.0


def duplicates(texts: list[str]) -> FloatArray:
    """1 where another user has the same text [n]."""
    counts = Counter(texts)
    return np.array([counts[text] > 1 for text in texts], dtype=np.float32)


def newest_items(served: Served) -> FloatArray:
    """The text vector of the newest item that each rationale was written from [n, d]."""
    data = served.data
    return data.item_vectors[[data.history(user, "valid")[-1] for user in served.users]]


def told_and_chosen(served: Served) -> tuple[FloatArray, FloatArray]:
    """Rationales, and the mean item of the histories behind them, each centred; unit length.

    Returns:
        Two arrays [n, d].

    Raises:
        ValueError: The domain has no rationales.
    """
    data = served.data
    if data.rationales is None:
        raise ValueError(f"{data.domain} has no rationales")
    items = centred(data.item_vectors, measure(data.item_vectors[data.listed]).centre)
    means = np.stack([items[data.history(user, "valid")].mean(axis=0) for user in served.users])
    lengths = np.linalg.norm(means, axis=1, keepdims=True).clip(min=1e-9)
    written = data.rationales.serving[served.users]
    return centred(written, written.mean(axis=0)), (means / lengths).astype(np.float32)

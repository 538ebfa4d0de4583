"""Tastes: groups of users whose thoughts lie together, named by the words of the items beside them."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from pulse_pipeline.thought_space.data import FloatArray, IntArray

MOST = 7
USERS_A_TASTE = 12  # fewer users than this make no group of their own
WORDS = 3
SHORTEST = 4  # letters


def tastes(thoughts: FloatArray, items: FloatArray, texts: Sequence[str], seed: int = 0) -> IntArray | None:
    """Group users by k-means of their thoughts; an item belongs where its vector lies nearest.

    Args:
        thoughts: Users' thoughts [n_users, d].
        items: Item vectors of the same space [n_items, d].
        texts: What names each item, its title and categories [n_items].
        seed: Seed of the k-means.

    Returns:
        The group of each user, then of each item [n_users + n_items]; None for too few users.
    """
    known = np.linalg.norm(thoughts, axis=1) > 0
    n = min(MOST, int(known.sum()) // USERS_A_TASTE)
    if n < 2 or len(texts) == 0:
        return None
    from sklearn.cluster import KMeans

    means = KMeans(n, n_init=4, random_state=seed).fit(thoughts[known])
    groups: IntArray = means.predict(np.concatenate([thoughts, items])).astype(np.int64)
    return groups


def names(groups: IntArray, texts: Sequence[str]) -> dict[int, str]:
    """Name each group by the words that its items hold more often than the others.

    Args:
        groups: The group of each item.
        texts: What names each item.

    Returns:
        Up to three words a group, each group's name its own.
    """
    held = [_words(text) for text in texts]
    overall = Counter(word for words in held for word in words)
    found: dict[int, str] = {}
    for group in np.unique(groups):
        inside = [words for words, mine in zip(held, groups == group, strict=True) if mine]
        here = Counter(word for words in inside for word in words)
        # How much more common: a word that all items hold names none of them.
        ahead = {word: n / len(inside) - overall[word] / len(held) for word, n in here.items()}
        best = sorted(ahead, key=lambda word: (-ahead[word], word))[:WORDS]
        name = ", ".join(word for word in best if ahead[word] > 0) or "all sorts"
        found[int(group)] = name if name not in found.values() else f"{name} ({group + 1})"
    return found


def _words(text: str) -> set[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    letters = re.findall(rf"[^\W\d_]{{{SHORTEST},}}", text.lower())
    return {word for word in letters if word not in ENGLISH_STOP_WORDS}

"""From the Thought Space to two dimensions, for the eye only."""

from typing import Literal

import numpy as np

from pulse_pipeline.thought_space.data import FloatArray, IntArray

Method = Literal["pca", "tsne"]

MOST_POINTS = 900
DIRECTIONS = 30  # of most variance, which is all that t-SNE gets to see
STEPS = 500
FEW = 10  # fewer points than this have no neighbourhoods that t-SNE could keep


def subsample(groups: list[str], most: int = MOST_POINTS, seed: int = 0) -> IntArray:
    """Choose points so that no group crowds out another.

    Args:
        groups: The group of each point.
        most: How many to keep in all.
        seed: Seed of the choice.

    Returns:
        Indices of the kept points, ascending; at most ``most`` shared out evenly, what a small
        group leaves unused going to the larger ones.
    """
    generator = np.random.default_rng(seed)
    names = np.array(groups, dtype=np.str_)
    kept: list[IntArray] = []
    room = most
    members = sorted((np.flatnonzero(names == name) for name in np.unique(names)), key=len)
    for place, group in enumerate(members):
        share = room // (len(members) - place)
        chosen = generator.permutation(group)[:share]
        room -= len(chosen)
        kept.append(chosen)
    return np.sort(np.concatenate(kept)) if kept else np.empty(0, dtype=np.int64)


def project(vectors: FloatArray, method: Method = "tsne", seed: int = 0) -> FloatArray:
    """Lay vectors out in a plane.

    PCA keeps the directions of most variance; t-SNE (van der Maaten & Hinton, JMLR 2008), started
    from PCA, keeps neighbourhoods, and distances between far groups mean nothing.

    Args:
        vectors: Points to draw, compared by cosine [n, d].
        method: Which of the two; PCA takes the place of t-SNE where points are few or all in one place,
            which scikit-learn's t-SNE does not survive.
        seed: Seed of t-SNE.

    Returns:
        Coordinates [n, 2].
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, out=np.zeros_like(vectors, dtype=np.float32), where=norms > 0)
    if method == "tsne" and len(np.unique(unit, axis=0)) >= FEW:
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(unit) - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, init="pca", max_iter=STEPS, random_state=seed)
        embedding = tsne.fit_transform(_pca(unit, DIRECTIONS))
        return np.asarray(embedding, dtype=np.float32)
    return _pca(unit, 2)


def _pca(unit: FloatArray, n: int) -> FloatArray:
    plane = np.zeros((len(unit), n), dtype=np.float32)
    if len(unit) == 0:
        return plane
    centred = unit - unit.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    width = min(n, len(sizes))
    plane[:, :width] = left[:, :width] * sizes[:width]
    return plane


def aligned(plane: FloatArray, onto: FloatArray) -> FloatArray:
    """Turn and mirror a layout until its points lie as near to another's as they can (Procrustes).

    Args:
        plane: The layout to move [n, 2].
        onto: The one that stays [n, 2].

    Returns:
        The moved layout, all its distances unchanged [n, 2].
    """
    if len(plane) == 0:
        return plane
    centred, fixed = plane - plane.mean(axis=0), onto - onto.mean(axis=0)
    left, _, right = np.linalg.svd(centred.T @ fixed)
    return np.asarray(centred @ (left @ right), dtype=np.float32)

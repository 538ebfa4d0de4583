"""RBO: how alike two rankings are, the top counting most (Webber, Moffat & Zobel, TOIS 2010)."""

import numpy as np

from pulse_pipeline.thought_space.data import FloatArray, IntArray

PERSISTENCE = 0.9  # the first ten places then carry 86 % of the weight


def rank_biased_overlap(a: IntArray, b: IntArray, persistence: float = PERSISTENCE) -> FloatArray:
    """RBO_ext of pairs of lists, both seen to the same depth (equation 32 of the paper).

    Agreement is averaged over all depths with weights that fall by `persistence` a place; beyond the last
    place the agreement found there is taken to go on.

    Args:
        a: Items of each list, best first, each once [n, depth].
        b: The same of the other ranking [n, depth].
        persistence: The chance that a reader who has looked at one place looks at the next, in (0, 1).

    Returns:
        1 for equal lists, 0 for lists without a common item [n].

    Raises:
        ValueError: The lists are of different shapes, or empty.
    """
    if a.shape != b.shape or a.shape[1] == 0:
        raise ValueError(f"rankings have to be of one depth to be compared: {a.shape} against {b.shape}")
    depths = np.arange(1, a.shape[1] + 1)
    same = a[:, :, None] == b[:, None, :]
    # Summing a corner of `same` counts the items that both lists hold down to a depth.
    corner = same.cumsum(axis=1).cumsum(axis=2)
    agreement = corner[:, depths - 1, depths - 1] / depths
    weights = (1 - persistence) / persistence * persistence**depths
    seen = agreement @ weights
    return np.asarray(seen + agreement[:, -1] * persistence ** depths[-1], dtype=np.float32)

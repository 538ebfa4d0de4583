"""Whether what and why find each other in the space, one item after what training ends with."""

import numpy as np
import torch

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.thought_space.data import DomainData, FloatArray
from pulse_pipeline.thought_space.model import ThoughtSpace, rationale_vectors
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

CUTOFFS = (1, 10)
MOST_PAIRS = 1000
"""All pairs are held against all: more would cost much, and make figures of domains less alike."""


def recalls(behaviours: FloatArray, rationales: FloatArray) -> dict[str, float]:
    """Share of pairs whose partner is among the k nearest, both ways; chance is k over their number.

    Args:
        behaviours: What users do, as unit vectors [m, d].
        rationales: Why, of the same users [m, d].

    Returns:
        ``behaviour_to_rationale@k`` and ``rationale_to_behaviour@k``; ties are pessimistic, so that equal
        vectors for all find nothing.
    """
    cosines = behaviours @ rationales.T
    ways = {"behaviour_to_rationale": cosines, "rationale_to_behaviour": cosines.T}
    return {f"{name}@{k}": _recall(table, k) for name, table in ways.items() for k in CUTOFFS}


@torch.inference_mode()
def later_pairs(model: ThoughtSpace, data: DomainData) -> tuple[FloatArray, FloatArray]:
    """Behaviour after all training items, and the foresight that was written from them.

    Training ends a step earlier: its last prediction is the last training item, and the foresight that it
    reads was written from the items before that one. So no gradient has seen either, of users whom it knows.

    Returns:
        Unit vectors of the users who have both, of those whose ids' hashes are the smallest [m, d], [m, d].
    """
    told = np.flatnonzero(data.has_rationale & (data.n_train > 0))
    users = np.array(sorted(told, key=lambda user: text_hash(data.user_ids[user]))[:MOST_PAIRS], np.int64)
    if data.rationales is None or not len(users):
        return np.empty((0, model.width), np.float32), np.empty((0, model.width), np.float32)
    space = model.space(data)
    ranker = ThoughtSpaceRanker(model, rationales="none", spaces={data.domain: space})
    written = rationale_vectors(data.rationales.serving[users], space.rotated.device)
    rationales = model.rationales(space, written, home=model.knows(space))
    return ranker.thoughts(data, users, "valid"), np.asarray(rationales.float().cpu().numpy())


def _recall(cosines: FloatArray, k: int) -> float:
    ranks = (cosines >= cosines.diagonal()[:, None]).sum(axis=1)
    return float(np.mean(ranks <= k))

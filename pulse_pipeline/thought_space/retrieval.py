"""Whether what and why find each other in the space, where no gradient has seen either."""

import numpy as np
import torch

from pulse_pipeline.thought_space.data import DomainData, FloatArray
from pulse_pipeline.thought_space.model import ThoughtSpace, rationale_vectors
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

CUTOFFS = (1, 10)


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
def held_out_pairs(model: ThoughtSpace, data: DomainData) -> tuple[FloatArray, FloatArray]:
    """Behaviour after all training items, and the foresight that was written from them.

    Training ends a step earlier: its last prediction is the last training item, and the foresight that it
    reads was written from the items before that one.

    Returns:
        Unit vectors of the users who have both [m, d], [m, d].
    """
    users = np.flatnonzero(data.has_rationale & (data.n_train > 0))
    behaviours = ThoughtSpaceRanker(model, rationales="none").thoughts(data, users, "valid")
    if data.rationales is None:  # of nobody
        return behaviours, behaviours
    space = model.space(data)
    written = rationale_vectors(data.rationales.serving[users], space.rotated.device)
    home = model.knows(space)
    return behaviours, np.asarray(model.rationales(space, written, home=home).float().cpu().numpy())


def _recall(cosines: FloatArray, k: int) -> float:
    ranks = (cosines >= cosines.diagonal()[:, None]).sum(axis=1)
    return float(np.mean(ranks <= k))

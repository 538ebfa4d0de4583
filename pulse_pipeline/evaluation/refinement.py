"""What refinement buys: the same model, ranking with one rationale or with another."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pulse_pipeline.evaluation.metrics.ndcg import ndcg
from pulse_pipeline.evaluation.ranking import user_ranks
from pulse_pipeline.thought_space.data import DomainData, FloatArray
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

CUTOFF = 10


@dataclass(frozen=True)
class Bought:
    """NDCG@10 on validation items, over the users who have both rationales, which enter the ranking in full.

    Attributes:
        users: How many they are.
        without: With no rationale.
        seed: With the rationale that was there before.
        refined: With the refined one.
    """

    users: int
    without: float
    seed: float
    refined: float


def bought(model: ThoughtSpace, data: DomainData, refined: FloatArray) -> Bought:
    """Rank validation items with each rationale.

    Args:
        model: Trained on the domain.
        data: The domain, with the vectors of its rationales.
        refined: Vectors of the refined ones, NaN where a user has none [n_users, d].

    Raises:
        ValueError: The domain has no rationales.
    """
    if data.rationales is None:
        raise ValueError(f"{data.domain} has no rationales to compare with")
    both = np.asarray(~(np.isnan(refined) | np.isnan(data.rationales.serving)).any(axis=1))
    served = replace(data, rationales=replace(data.rationales, serving=refined))
    return Bought(
        users=int(both[data.evaluated_users("valid")].sum()),
        without=_mean(ThoughtSpaceRanker(model, rationales="none"), data, both),
        # In full: what validation made of the seeds says nothing about refined ones.
        seed=_mean(ThoughtSpaceRanker(model, in_full=True), data, both),
        refined=_mean(ThoughtSpaceRanker(model, in_full=True), served, both),
    )


def _mean(ranker: ThoughtSpaceRanker, data: DomainData, among: NDArray[np.bool_]) -> float:
    found = user_ranks(ranker, data, "valid")
    ranks = found.ranks[among[found.users]]
    return float(ndcg(ranks, CUTOFF).mean()) if len(ranks) else float("nan")

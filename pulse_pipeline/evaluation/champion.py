"""When a newly trained model takes the champion's place.

Both rank the leave-one-out *validation* targets of the same users; test targets are never looked at, so that
what is reported of a champion was not what it was chosen by. Validation targets did choose the epoch of
either model, and the weights of what is served beside behaviour: its figures on them flatter both, a newer
one more where an older had fewer such weights. The alias moves only if the 95 % interval of the paired
NDCG@10 difference, new minus champion, excludes a loss: its lower end is zero or more, and the difference
itself is above zero, so that an equal model changes nothing.
"""

from dataclasses import dataclass

from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.bootstrap import Difference, paired_difference
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.ranking import Ranker, user_ranks
from pulse_pipeline.evaluation.validation import CUTOFF, METRIC, validation_users
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker

MOST_USERS = 10_000


@dataclass(frozen=True)
class Verdict:
    """Whether the alias moves, and why.

    Attributes:
        promoted: Whether the new model becomes champion.
        reason: Why, or why not.
        difference: NDCG@10 of the new model minus that of what it was held against; None if it was not.
        n_users: Users of the comparison.
    """

    promoted: bool
    reason: str
    difference: Difference | None = None
    n_users: int = 0


def challenge(new: ThoughtSpace, champion: ThoughtSpace, data: DomainData) -> Verdict:
    """Hold a new model against the champion.

    Args:
        new: The new model of the domain.
        champion: The present champion, which reads the same tables.
        data: The domain under leave-one-out.
    """
    difference, n_users = _difference(_ranker(new), _ranker(champion), data)
    if difference is None:
        return Verdict(False, "no user has a validation item to compare on")
    if difference.low >= 0 and difference.value > 0:
        return Verdict(True, "the interval of the difference excludes a loss", difference, n_users)
    return Verdict(False, "the interval of the difference does not exclude a loss", difference, n_users)


def enter(new: ThoughtSpace, data: DomainData, why: str) -> Verdict:
    """Let a model in where there is no champion to beat, if it excludes a loss to its own untrained start.

    Args:
        new: The new model of the domain.
        data: The domain under leave-one-out.
        why: Why there is no champion to compare with.
    """
    start = TextKNN(centred=True).fit(data)
    difference, n_users = _difference(_ranker(new), start, data)
    if difference is None:
        return Verdict(False, f"{why}, and no user has a validation item to compare on")
    if difference.low < 0:
        return Verdict(False, f"{why}, but a loss to {start.name} is not excluded", difference, n_users)
    return Verdict(True, f"{why}, and a loss to {start.name} is excluded", difference, n_users)


def _ranker(model: ThoughtSpace) -> Ranker:
    return ThoughtSpaceRanker(model)


def _difference(a: Ranker, b: Ranker, data: DomainData) -> tuple[Difference | None, int]:
    users = validation_users(data, MOST_USERS, seed=0)
    if not len(users):
        return None, 0
    gains = [METRICS[METRIC](user_ranks(one, data, "valid", users=users).ranks, CUTOFF) for one in (a, b)]
    return paired_difference(*gains), len(users)

"""What every figure is for every user, before anything is averaged."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pulse_pipeline.evaluation.metrics import CUTOFFS, METRICS, RECALL, recall
from pulse_pipeline.evaluation.standings import Standings
from pulse_pipeline.thought_space.data import IntArray

FULL = "full"


@dataclass(frozen=True, order=True)
class Figure:
    """What is measured.

    Attributes:
        candidates: Among which items: `FULL` for the catalogue, else how many.
        metric: Name of the metric.
        k: Length of the list.
    """

    candidates: str
    metric: str
    k: int


@dataclass(frozen=True)
class PerUser:
    """A table of figures.

    Attributes:
        figures: What the columns are.
        values: One row a user [n_users, n_figures].
    """

    figures: list[Figure]
    values: NDArray[np.float64] = field(repr=False)

    def column(self, figure: Figure) -> NDArray[np.float64]:
        """One figure of all users [n_users].

        Raises:
            ValueError: It was not measured.
        """
        return self.values[:, self.figures.index(figure)]

    def within(self, candidates: str) -> "PerUser":
        """The figures among these candidates only."""
        places = [place for place, figure in enumerate(self.figures) if figure.candidates == candidates]
        return PerUser([self.figures[place] for place in places], self.values[:, places])


def per_user(ranked: Standings) -> PerUser:
    """HR, NDCG, MRR and recall at all cut-offs: in the catalogue, the first three among candidates too."""
    columns = dict(_of_ranks(FULL, ranked.ranks))
    for place, k in enumerate(CUTOFFS):
        columns[Figure(FULL, RECALL, k)] = recall(ranked.found[:, place], ranked.wanted)
    for size, ranks in ranked.among.items():
        columns |= dict(of_candidates(size, ranks))
    return PerUser(list(columns), np.stack(list(columns.values()), axis=1).astype(np.float64))


def of_candidates(size: int, ranks: IntArray) -> Iterator[tuple[Figure, NDArray[np.float32]]]:
    """Yield the figures among a number of candidates that can differ between models.

    HR at the number of candidates is 1 for every model, NDCG and MRR beyond it say nothing new.
    """
    for figure, values in _of_ranks(str(size), ranks):
        if figure.k < size or (figure.k == size and figure.metric != "HR"):
            yield figure, values


def _of_ranks(candidates: str, ranks: IntArray) -> Iterator[tuple[Figure, NDArray[np.float32]]]:
    for metric, score in METRICS.items():
        for k in CUTOFFS:
            yield Figure(candidates, metric, k), score(ranks, k)

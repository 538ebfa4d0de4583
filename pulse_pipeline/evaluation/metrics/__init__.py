"""Metrics, one file each.

`METRICS` are functions of the next item's rank and k. Recall counts all later items. Coverage, novelty and
Gini look at the lists and know no target: they say what a figure of accuracy was bought with.
"""

from collections.abc import Callable

from pulse_pipeline.evaluation.metrics.coverage import coverage
from pulse_pipeline.evaluation.metrics.gini import gini
from pulse_pipeline.evaluation.metrics.hit_rate import hit_rate
from pulse_pipeline.evaluation.metrics.mrr import mrr
from pulse_pipeline.evaluation.metrics.ndcg import ndcg
from pulse_pipeline.evaluation.metrics.novelty import novelty
from pulse_pipeline.evaluation.metrics.recall import recall
from pulse_pipeline.thought_space.data import FloatArray, IntArray

__all__ = [
    "COVERAGE",
    "CUTOFFS",
    "GINI",
    "LISTED",
    "METRICS",
    "NOVELTY",
    "RECALL",
    "coverage",
    "gini",
    "novelty",
    "recall",
]

Metric = Callable[[IntArray, int], FloatArray]

METRICS: dict[str, Metric] = {"HR": hit_rate, "NDCG": ndcg, "MRR": mrr}
RECALL, COVERAGE, NOVELTY, GINI = "Recall", "Coverage", "Novelty", "Gini"
CUTOFFS = (1, 5, 10, 20)
LISTED = 10
"""Length of the lists that coverage, novelty and Gini look at."""

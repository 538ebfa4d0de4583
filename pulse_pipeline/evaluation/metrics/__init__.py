"""Metrics of one target a user: each a function of ranks and k, one file each."""

from collections.abc import Callable

from pulse_pipeline.evaluation.metrics.hit_rate import hit_rate
from pulse_pipeline.evaluation.metrics.mrr import mrr
from pulse_pipeline.evaluation.metrics.ndcg import ndcg
from pulse_pipeline.thought_space.data import FloatArray, IntArray

Metric = Callable[[IntArray, int], FloatArray]

METRICS: dict[str, Metric] = {"HR": hit_rate, "NDCG": ndcg, "MRR": mrr}
CUTOFFS = (1, 5, 10, 20)

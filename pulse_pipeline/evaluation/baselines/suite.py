"""All baselines by name: how each is built and what it learns from. A new one is one entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

from pulse_pipeline.evaluation.baselines.config import BaselineConfig
from pulse_pipeline.evaluation.baselines.ease import EASE, EASEConfig
from pulse_pipeline.evaluation.baselines.ials import IALS, IALSConfig
from pulse_pipeline.evaluation.baselines.item_knn import ItemKNN, ItemKNNConfig
from pulse_pipeline.evaluation.baselines.markov_knn import MarkovKNN, MarkovKNNConfig
from pulse_pipeline.evaluation.baselines.neural.alpharec import AlphaRec, AlphaRecConfig
from pulse_pipeline.evaluation.baselines.neural.gsasrec import GSASRec, GSASRecConfig
from pulse_pipeline.evaluation.baselines.neural.lightgcn import LightGCN, LightGCNConfig
from pulse_pipeline.evaluation.baselines.neural.sasrec import SASRec, SASRecConfig
from pulse_pipeline.evaluation.baselines.neural.slim_fused import SLIMFused, SLIMFusedConfig
from pulse_pipeline.evaluation.baselines.neural.slim_id_free import SLIMIDFree, SLIMIDFreeConfig
from pulse_pipeline.evaluation.baselines.neural.unisrec import UniSRec, UniSRecConfig
from pulse_pipeline.evaluation.baselines.popularity import Popularity
from pulse_pipeline.evaluation.baselines.recency_text_knn import RecencyTextKNN, RecencyTextKNNConfig
from pulse_pipeline.evaluation.baselines.recent_popularity import RecentPopularity, RecentPopularityConfig
from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.evaluation.ranking import Ranker
from pulse_pipeline.thought_space.data import DomainData


class Baseline(Ranker, Protocol):
    """A ranker that learns all it knows from one domain."""

    def fit(self, data: DomainData) -> Self:
        """Learn from training prefixes; validation items may only choose among what was learned."""
        ...


@dataclass(frozen=True)
class Entry:
    """One baseline.

    Attributes:
        build: Makes it, unfitted, from its settings.
        config: The class of its settings.
        learns: Whether it learns from the interactions of other users of the domain.
        neural: Whether it is trained by gradients, which takes minutes instead of seconds.
        reads_rationales: Whether it cannot be fitted without the users' rationales.
    """

    build: Callable[[Any], Baseline]
    config: type[BaselineConfig] = BaselineConfig
    learns: bool = True
    neural: bool = False
    reads_rationales: bool = False


SUITE: dict[str, Entry] = {
    "popularity": Entry(lambda _: Popularity()),
    "recent_popularity": Entry(RecentPopularity, RecentPopularityConfig),
    "item_knn": Entry(ItemKNN, ItemKNNConfig),
    "markov_knn": Entry(MarkovKNN, MarkovKNNConfig),
    "ease": Entry(EASE, EASEConfig),
    "ials": Entry(IALS, IALSConfig),
    "text_knn": Entry(lambda _: TextKNN(centred=False), learns=False),
    "text_knn_centred": Entry(lambda _: TextKNN(centred=True), learns=False),
    "text_knn_recency": Entry(RecencyTextKNN, RecencyTextKNNConfig),
    "sasrec": Entry(SASRec, SASRecConfig, neural=True),
    "gsasrec": Entry(GSASRec, GSASRecConfig, neural=True),
    "lightgcn": Entry(LightGCN, LightGCNConfig, neural=True),
    "alpharec": Entry(AlphaRec, AlphaRecConfig, neural=True),
    "unisrec": Entry(UniSRec, UniSRecConfig, neural=True),
    "slim_fused": Entry(SLIMFused, SLIMFusedConfig, neural=True, reads_rationales=True),
    "slim_id_free": Entry(SLIMIDFree, SLIMIDFreeConfig, neural=True, reads_rationales=True),
}
CHEAP = tuple(name for name, entry in SUITE.items() if not entry.neural)

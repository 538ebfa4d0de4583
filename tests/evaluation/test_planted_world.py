"""In the demo world the reasons are known: what rationales and transfer are for must show there.

Real encoder, real training, real ranking; only the rationales are the planted truth instead of a
model's words, so that a failure here is the method's and not the small LM's.
"""

import numpy as np
import polars as pl
import pytest

from pulse_pipeline.domains import DEMO_DOMAINS
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.evaluation.baselines.popularity import Popularity
from pulse_pipeline.evaluation.bootstrap import paired_difference
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.ranking import user_ranks
from pulse_pipeline.interactions.cleaning import clean_interactions
from pulse_pipeline.interactions.demo_vocabulary import TASTES
from pulse_pipeline.interactions.demo_world import DemoWorld, generate
from pulse_pipeline.rationales.cuts import cut_points
from pulse_pipeline.thought_space.assemble import assemble
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.travelling import train_to_travel
from resources.text_encoder import TextEncoder

SEED = 5  # a world that nothing was chosen on
SUMMARIES = {taste.name: taste.summary for taste in TASTES}


def _domain_data(world: DemoWorld, name: str, encoder):
    interactions = clean_interactions(world.domains[name].interactions, 5).frame
    items = world.domains[name].items.filter(pl.col("item_id").is_in(interactions["item_id"].implode()))
    texts = items.select(
        pl.concat_str("title", pl.col("categories").list.join(", "), "description", separator=". ")
    )
    vectors = pl.Series("vector", encoder.encode(texts.to_series().to_list()))
    taste_vectors = dict(zip(SUMMARIES, encoder.encode(list(SUMMARIES.values())), strict=True))
    cuts = cut_points(interactions)
    spoken = np.stack([taste_vectors[world.user_tastes[user][0]] for user in cuts["user_id"]])
    rationales = cuts.with_columns(pl.Series("vector", spoken))
    return assemble(name, "loo", interactions, items.select("item_id").with_columns(vectors), rationales)


@pytest.fixture(scope="module")
def worlds():
    world = generate(SEED)
    encoder = TextEncoder().encoder(EncoderSpec())
    return {name: _domain_data(world, name, encoder) for name in DEMO_DOMAINS}


@pytest.fixture(scope="module")
def abroad(worlds):
    """NDCG@10 of every user of every domain, by models that were trained on the two others."""
    found, weights = {use: [] for use in ("own", "none", "shuffled", "popularity")}, []
    for target, data in worlds.items():
        sources = [worlds[name] for name in DEMO_DOMAINS if name != target]
        model = train_to_travel("all-but-" + target, sources, ThoughtSpaceConfig(epochs=8)).model
        weights.append(float(model.rationale_serving_weight))
        for use in ("own", "none", "shuffled"):
            found[use].append(_ndcg(ThoughtSpaceRanker(model, use, rationales=use), data))
        found["popularity"].append(_ndcg(Popularity().fit(data), data))
    return {use: np.concatenate(scores) for use, scores in found.items()} | {"weights": np.array(weights)}


def _ndcg(ranker, data):
    return METRICS["NDCG"](user_ranks(ranker, data, "test").ranks, 10)


def test_a_space_trained_elsewhere_beats_popularity_in_the_target(abroad):
    assert paired_difference(abroad["own"], abroad["popularity"]).low > 0


def test_validation_on_the_sources_has_rationales_served(abroad):
    assert (abroad["weights"] > 0).all()


def test_other_peoples_rationales_destroy_the_gain_from_ones_own(abroad):
    gain = paired_difference(abroad["own"], abroad["none"])
    gain_from_others = paired_difference(abroad["shuffled"], abroad["none"])
    assert gain.low > 0
    assert paired_difference(abroad["own"], abroad["shuffled"]).low > 0
    assert gain_from_others.value < gain.value / 2

"""What was written about items reaches their embeddings once it is there."""

import polars as pl

from assets.project import Project
from assets.thought_space import learned_from
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.commands.plan import plan
from pulse_pipeline.domains import Registry, demo_registry
from pulse_pipeline.settings import Settings
from tests.resources.fakes import FakeLanguageModel, FakeTextEncoder
from tests.thought_space.test_assemble import tables

FAKES = {"language_model": FakeLanguageModel(), "text_encoder": FakeTextEncoder()}
PROJECT = Project(demo_registry(), Settings())


def test_item_embeddings_take_up_item_rationales(home):
    def thoughts():
        return pl.read_parquet(home / "storage" / "item_embeddings" / "Demo_Books.parquet")["thought"]

    materialise(PROJECT, "*item_embeddings", ["Demo_Books"], FAKES)
    assert thoughts().null_count() == len(thoughts())
    materialise(PROJECT, "item_rationales", ["Demo_Books"], FAKES)
    reasons = {step.asset: step.reason for step in plan(PROJECT, "item_embeddings", ["Demo_Books"])}
    materialise(PROJECT, "item_embeddings", ["Demo_Books"], FAKES)
    written = pl.read_parquet(home / "storage" / "item_rationales" / "Demo_Books.parquet")
    assert 0 < len(thoughts()) - thoughts().null_count() == written["valid"].sum()
    assert reasons == {"item_embeddings": "item_rationales[Demo_Books] is new"}


def test_of_a_domain_met_for_the_first_time_or_cut_earlier_only_thoughts_of_texts_are_read():
    def thoughts(*, text_alone, moment=None, unknown=None, protocol="loo"):
        interactions, items = tables([5] * 8, [[0.0, 1.0]] * 4)
        interactions = interactions.with_columns(
            timestamp=pl.Series([1, 2, 3, 4] * 2), split_temporal=pl.col("split_loo")
        )
        items = items.with_columns(text_alone=text_alone)
        found = learned_from(
            protocol, {"shop": interactions}, {"shop": items}, moment=moment, unknown=unknown
        )
        return found["shop"].item_thoughts

    assert thoughts(text_alone=False) is not None
    assert thoughts(text_alone=False, unknown="elsewhere") is not None
    assert thoughts(text_alone=False, unknown="shop") is None
    assert thoughts(text_alone=True, unknown="shop") is not None
    assert thoughts(text_alone=False, protocol="temporal", moment=4) is not None
    assert thoughts(text_alone=False, protocol="temporal", moment=3) is None
    assert thoughts(text_alone=True, protocol="temporal", moment=3) is not None


def test_items_chosen_most_often_are_written_about_first_and_a_higher_limit_keeps_them(home):
    registry = demo_registry()
    books = registry.domain("Demo_Books")

    def limited(at_most):
        domains = {**registry.domains, books.name: books.model_copy(update={"rationale_items": at_most})}
        return Project(Registry(domains), Settings())

    def written():
        return pl.read_parquet(home / "storage" / "item_rationales" / "Demo_Books.parquet")

    materialise(limited(5), "raw_interactions,interactions,items,item_rationales", [books.name], FAKES)
    five = written()
    (step,) = plan(limited(8), "item_rationales", [books.name])
    materialise(limited(8), "item_rationales", [books.name], FAKES)
    eight = written()
    assert (len(five), len(eight)) == (5, 8)
    assert five.equals(eight.filter(pl.col("item_id").is_in(five["item_id"].implode())))
    assert not eight["text_alone"].any()
    assert (step.reason, step.cost.prompts) == ("its settings changed", 3)

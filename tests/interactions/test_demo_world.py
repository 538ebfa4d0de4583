from collections import Counter

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from pulse_pipeline.domains import DEMO_DOMAINS, DomainConfig, demo_registry
from pulse_pipeline.interactions import demo_vocabulary as words
from pulse_pipeline.interactions import ingest
from pulse_pipeline.interactions.demo_world import (
    MAX_LENGTH,
    MIN_LENGTH,
    N_ITEMS,
    N_SHARED_USERS,
    N_USERS,
    DemoWorld,
    generate,
)
from pulse_pipeline.interactions.sources import demo
from pulse_pipeline.schemas import Quarantine, RawInteractions

TASTES = [taste.name for taste in words.TASTES]


@pytest.fixture(scope="module", params=[0, 1])
def world(request: pytest.FixtureRequest) -> DemoWorld:
    return generate(request.param)


def test_a_seed_makes_one_world() -> None:
    first, again, other = generate.__wrapped__(3), generate.__wrapped__(3), generate.__wrapped__(4)
    for name in DEMO_DOMAINS:
        assert first.domains[name].interactions.equals(again.domains[name].interactions)
        assert first.domains[name].items.equals(again.domains[name].items)
        assert not first.domains[name].items.equals(other.domains[name].items)
    assert first.user_tastes == again.user_tastes


def test_sizes_and_keys(world: DemoWorld) -> None:
    for domain in world.domains.values():
        rows = domain.interactions
        lengths = rows.group_by("user_id").len()["len"]
        assert len(lengths) == N_USERS
        assert lengths.min() >= MIN_LENGTH
        assert lengths.max() <= MAX_LENGTH
        assert not rows.select("user_id", "item_id").is_duplicated().any()
        assert set(rows["item_id"]) <= set(domain.items["item_id"])
        assert domain.items["item_id"].n_unique() == domain.items["title"].n_unique() == N_ITEMS
        assert rows["timestamp"].is_sorted() is False
        assert rows.select((pl.col("timestamp").diff().over("user_id") < 0).any()).item() is False


def test_a_third_of_the_users_is_everywhere(world: DemoWorld) -> None:
    users = [set(domain.interactions["user_id"]) for domain in world.domains.values()]
    shared = set.intersection(*users)
    assert len(shared) == N_SHARED_USERS
    for one in users:
        for other in users:
            assert one is other or one & other == shared


def test_everything_says_that_it_is_synthetic(world: DemoWorld) -> None:
    for domain in world.domains.values():
        assert domain.items["brand"].str.contains("Synthetic").all()
        assert domain.items["item_id"].str.starts_with("demo-").all()
        assert domain.interactions["user_id"].str.starts_with("demo-").all()


def test_a_core_of_five_keeps_nearly_everything(world: DemoWorld) -> None:
    for domain in world.domains.values():
        rows, before = domain.interactions, 0
        while len(rows) != before:
            before = len(rows)
            rows = rows.filter((pl.len().over("item_id") >= 5) & (pl.len().over("user_id") >= 5))
        assert rows["user_id"].n_unique() >= 0.98 * N_USERS
        assert len(rows) >= 0.95 * len(domain.interactions)


def test_the_rows_keep_the_contract() -> None:
    for config in demo_registry().domains.values():
        rows = demo.read_interactions(config).rows.collect()
        RawInteractions.validate(rows.select(RawInteractions.column_names()))
        items = demo.read_items(config, demo.generate().domains[config.name].items["item_id"])
        assert {"item_id", "title", "brand", "categories", "price", "description"} <= set(
            items.rows.collect().columns
        )
        Quarantine.validate(items.rejects)
        assert items.rejects.is_empty()


def test_the_brand_is_no_text_of_the_demo() -> None:
    for config in demo_registry().domains.values():
        assert isinstance(config, DomainConfig)
        assert "brand" not in config.text_fields


def test_reviews_differ(world: DemoWorld) -> None:
    texts = pl.concat([domain.interactions["review_text"] for domain in world.domains.values()])
    assert texts.n_unique() > 0.8 * len(texts)
    assert texts.n_unique() > 1000


def test_tastes_cause_the_choices(world: DemoWorld) -> None:
    """The dominant taste is in the chosen items far more often than in the catalogue."""
    for domain in world.domains.values():
        chosen = domain.interactions.select("user_id", "item_id").iter_rows()
        share = np.mean([world.user_tastes[user][0] in world.item_tastes[item] for user, item in chosen])
        sides = [len(world.item_tastes[item]) for item in domain.items["item_id"]]
        chance = np.mean(sides) / len(TASTES)
        assert share > 2.5 * chance


def test_choices_settle_with_time(world: DemoWorld) -> None:
    for domain in world.domains.values():
        rows = domain.interactions.with_columns(step=pl.int_range(pl.len()).over("user_id"))
        hits = [
            world.user_tastes[user][0] in world.item_tastes[item]
            for user, item in rows.select("user_id", "item_id").iter_rows()
        ]
        by_step = rows.with_columns(hit=pl.Series(hits))
        early = by_step.filter(pl.col("step") < 3)["hit"].mean()
        late = by_step.filter(pl.col("step") >= 5)["hit"].mean()
        assert late > early


def test_item_texts_express_their_tastes(world: DemoWorld) -> None:
    """Tastes learned from two domains' texts name an item's tastes in the third far above chance."""
    for held_out in DEMO_DOMAINS:
        known = [name for name in DEMO_DOMAINS if name != held_out]
        items = pl.concat([world.domains[name].items for name in known])
        encoder = TfidfVectorizer(stop_words="english").fit(items["description"])
        seen = encoder.transform(items["description"]).toarray()
        labels = np.array(
            [[taste in world.item_tastes[item] for taste in TASTES] for item in items["item_id"]]
        )
        centroids = np.array([seen[labels[:, i]].mean(0) - seen.mean(0) for i in range(len(TASTES))])
        target = world.domains[held_out].items
        nearest = (encoder.transform(target["description"]).toarray() @ centroids.T).argmax(1)
        hits = [
            TASTES[best] in world.item_tastes[item]
            for best, item in zip(nearest, target["item_id"], strict=True)
        ]
        assert np.mean(hits) > 0.6  # chance is about .18


def test_reviews_say_which_taste_it_was(world: DemoWorld) -> None:
    """A liked item's review names the reader's taste, not the item's other side."""
    wants = {want: taste.name for taste in words.TASTES for want in taste.wants}
    told: Counter[bool] = Counter()
    for domain in world.domains.values():
        liked = domain.interactions.filter(pl.col("rating") >= 4)
        for user, item, text in liked.select("user_id", "item_id", "review_text").iter_rows():
            reasons = {taste for want, taste in wants.items() if want in text}
            told[bool(reasons & set(world.user_tastes[user]) & set(world.item_tastes[item]))] += 1
    assert told[True] > 0.99 * told.total()


def test_people_and_items_speak_of_a_taste_in_different_words() -> None:
    for taste in words.TASTES:
        said = set(taste.wants) | set(taste.details) | set(taste.verdicts)
        assert said.isdisjoint(
            {*taste.elements, *(craft for crafts in taste.craft.values() for craft in crafts)}
        )


def test_no_want_belongs_to_two_tastes() -> None:
    wants = Counter(want for taste in words.TASTES for want in taste.wants)
    assert wants.most_common(1)[0][1] == 1


def test_demo_reads_through_the_same_door() -> None:
    config = DomainConfig(name="Demo_Films", source="demo")
    read = ingest.read_interactions(config)
    interactions = ingest.clean_interactions(read.frame, config.min_interactions, config.name).frame
    items = ingest.read_items(config, interactions).frame
    assert read.quarantine.is_empty()
    assert items["has_text"].all()
    assert set(items["item_id"]) == set(interactions["item_id"])

"""What holds for every baseline: no leak, no luck, the same answer twice."""

from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation.baselines.settings import BaselineSettings
from pulse_pipeline.evaluation.baselines.suite import CHEAP, SUITE, Baseline
from pulse_pipeline.evaluation.in_domain import baseline_ranks
from pulse_pipeline.evaluation.ranking import user_ranks
from pulse_pipeline.thought_space.data import DomainData
from tests.evaluation.baselines.worlds import chance_world

# Nothing is left to choose on validation items: one decay, one epoch.
FIXED = {"text_knn_recency": {"decays": [0.7]}}
QUICK = {"epochs": 1, "batch_size": 64}
EVERYONE = np.arange(400)


def build(name: str) -> Baseline:
    parameters = FIXED.get(name, QUICK if SUITE[name].neural else {})
    return BaselineSettings(run=(name,), parameters={name: parameters}).build(name)


def with_other_items(data: DomainData, known: np.ndarray) -> DomainData:
    """The same domain with other items after the first `known` of each user."""
    rng = np.random.default_rng(7)
    sequences = [
        np.concatenate([sequence[:n], rng.integers(0, data.n_items, len(sequence) - n)])
        for sequence, n in zip(data.sequences, known, strict=True)
    ]
    return replace(data, sequences=sequences)


@pytest.mark.parametrize("name", SUITE)
def test_nothing_is_learned_from_validation_or_test_items(name: str) -> None:
    data = chance_world(0)
    changed = with_other_items(data, data.n_train)
    one, other = build(name).fit(data), build(name).fit(changed)
    assert np.array_equal(one.score(data, EVERYONE, "valid"), other.score(data, EVERYONE, "valid"))


@pytest.mark.parametrize("name", CHEAP)
def test_test_items_choose_nothing_and_are_not_read(name: str) -> None:
    data = chance_world(1)
    changed = with_other_items(data, data.n_known)
    settings = BaselineSettings()
    one, other = settings.build(name).fit(data), settings.build(name).fit(changed)
    assert np.array_equal(one.score(data, EVERYONE, "test"), other.score(changed, EVERYONE, "test"))


@pytest.mark.parametrize("name", SUITE)
def test_nobody_beats_chance_where_there_is_nothing_to_learn(name: str) -> None:
    data = chance_world(2)
    ranks = user_ranks(build(name).fit(data), data, "test").ranks
    unseen = data.n_items - data.n_known[0]
    chance = 10 / unseen
    hits = float(np.mean(ranks <= 10))
    noise = np.sqrt(chance * (1 - chance) / len(ranks))
    assert hits < chance + 4 * noise
    if "popularity" not in name:  # the counts have ties, which count as lost
        assert hits > chance - 4 * noise


@pytest.mark.parametrize("name", SUITE)
def test_the_same_seed_gives_the_same_scores(name: str) -> None:
    data = chance_world(3, n_users=100)
    users = np.arange(100)
    one, other = (build(name).fit(data).score(data, users, "test") for _ in range(2))
    assert np.array_equal(one, other)
    assert one.shape == (100, data.n_items)
    assert one.dtype == np.float32


@pytest.mark.parametrize("name", SUITE)
def test_who_has_no_training_item_is_ranked_all_the_same(name: str) -> None:
    data = chance_world(4, n_users=60)
    n_train = np.where(np.arange(60) < 5, 0, data.n_train)
    late = replace(data, n_train=n_train)
    assert len(user_ranks(build(name).fit(late), late, "test").users) == 60


def test_the_default_suite_names_what_it_learned_from() -> None:
    data = chance_world(5, n_users=60)
    table = baseline_ranks(data)
    mixes = dict(table.select("model", "train_mix").unique().iter_rows())
    assert len(mixes) == len(CHEAP) == table["model"].n_unique()
    assert {model for model, mix in mixes.items() if mix is None} == {"text-kNN", "text-kNN centred"}
    assert table.group_by("model").len()["len"].unique().to_list() == [60]


def test_only_the_named_baselines_run_with_their_settings() -> None:
    settings = BaselineSettings(run=("ease", "popularity"), parameters={"ease": {"l2": 7}})
    assert baseline_ranks(chance_world(6, n_users=30), settings)["model"].unique(
        maintain_order=True
    ).to_list() == ["EASE", "popularity"]
    assert settings.build("ease").config.l2 == 7


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"run": ["eases"]}, "no baseline eases; there are: popularity"),
        ({"parameters": {"ease": {"l2": -1}}}, "ease.l2"),
        ({"parameters": {"ease": {"l3": 1}}}, "ease.l3"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        BaselineSettings.model_validate(settings)


def test_the_fingerprint_is_that_of_what_runs() -> None:
    def fingerprint(**settings: object) -> str:
        return BaselineSettings.model_validate(settings).fingerprint(reads_rationales=False)

    assert fingerprint(run=["ease"]) == fingerprint(run=["ease"], parameters={"item_knn": {"shrinkage": 1}})
    assert fingerprint(run=["ease"]) != fingerprint(run=["ease"], parameters={"ease": {"l2": 1}})
    assert fingerprint(run=["ease"]) != fingerprint(run=["ease", "ials"])


@pytest.mark.parametrize("name", SUITE)
def test_every_value_that_tuning_may_try_is_allowed(name: str) -> None:
    config = SUITE[name].config
    for field, values in config.search.items():
        for value in values:
            assert getattr(config.model_validate({field: value}), field) == value

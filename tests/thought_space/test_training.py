from dataclasses import replace

import numpy as np
import pytest
import torch

from pulse_pipeline.thought_space import losses, objective
from pulse_pipeline.thought_space.batches import collate, schedule, windows
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import RationaleVectors
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker, shuffled
from pulse_pipeline.thought_space.training import train, untrained
from pulse_pipeline.thought_space.validation import Validation, gain, ranks

SMALL = ThoughtSpaceConfig(device="cpu", epochs=10, batch_size=64, attention_width=16)


def ndcg_on_test(data, model, **use):
    """NDCG@10 on the test items."""
    users = data.evaluated_users("test")
    scores = torch.from_numpy(ThoughtSpaceRanker(model, **use).score(data, users, "test"))
    for row, user in enumerate(users):
        scores[row, data.history(user, "test")] = float("-inf")
    targets = torch.tensor([data.target(user, "test") for user in users])
    return gain(ranks(scores, targets)).mean().item()


def shuffle_all(data):
    mixed = {
        kind: shuffled(getattr(data.rationales, kind), seed=3)
        for kind in ("serving", "training", "hindsight")
    }
    return replace(data, rationales=replace(data.rationales, **mixed))


def test_rationales_that_know_the_taste_help_and_shuffled_ones_do_not(plant):
    data = plant(n_users=200, length=5)
    own = train("films", [data], SMALL).model
    gained = ndcg_on_test(data, own)
    without = ndcg_on_test(data, train("films", [replace(data, rationales=None)], SMALL).model)
    mixed = shuffle_all(data)
    from_shuffled = ndcg_on_test(mixed, train("films", [mixed], SMALL).model)
    assert gained > without * 1.15
    assert from_shuffled < without * 1.05
    assert ndcg_on_test(data, own, rationales="shuffled") < without * 1.05
    assert ndcg_on_test(data, own, rationales="none") > without * 0.8


def test_what_rationales_add_travels_to_a_domain_outside_the_mix(plant):
    target = plant("games", n_users=200, length=5, seed=9)
    sources = [plant("films", n_users=200, length=5), plant("books", n_users=200, length=5, seed=5)]
    model = train("all-but-games", sources, SMALL).model
    own, none, mixed = (ndcg_on_test(target, model, rationales=use) for use in ("own", "none", "shuffled"))
    assert own > none * 1.05
    assert mixed < none


def test_without_rationales_a_foreign_domain_is_ranked_alike_by_every_epoch(plant):
    target, source = plant("games", seed=9), plant("films")
    short, long = (
        train("films", [source], SMALL.model_copy(update={"epochs": epochs, "patience": 9})).model
        for epochs in (0, 4)
    )
    users = target.evaluated_users("test")
    one, other = (
        ThoughtSpaceRanker(model, rationales="none").score(target, users, "test") for model in (short, long)
    )
    # But for how sure it is: the temperature is learned.
    assert np.allclose(one / one.std(), other / other.std(), atol=1e-5)


def test_who_has_to_travel_is_judged_abroad(plant):
    sources = [plant("films", n_users=200, length=5), plant("books", n_users=200, length=5, seed=5)]
    judge = plant("games", n_users=200, length=5, seed=9)
    trained = train("both", sources, SMALL, judges=[judge])
    values = trained.history["val_ndcg@10"].to_list()
    assert max(values) > values[0]
    assert Validation(trained.model, [judge], SMALL).ndcg() == pytest.approx(max(values), abs=1e-6)
    assert judge.domain not in trained.model.catalogues


def test_it_is_never_below_its_start_on_validation(plant):
    trained = train("films", [plant()], SMALL)
    values = trained.history["val_ndcg@10"].to_list()
    kept = Validation(trained.model, [plant()], SMALL).ndcg()
    assert kept >= max(values) - 1e-6
    bare = train("films", [plant()], SMALL.model_copy(update={"following_weights": (0.0,)}))
    assert Validation(bare.model, [plant()], SMALL).ndcg() == pytest.approx(max(values), abs=1e-6)


def test_one_seed_one_result(plant):
    config = SMALL.model_copy(update={"epochs": 2})
    before = torch.random.get_rng_state()
    first, second = (train("films", [plant()], config) for _ in range(2))
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(tensor, second.model.state_dict()[name]), name
    assert first.history.drop("seconds").equals(second.history.drop("seconds"))
    assert torch.equal(before, torch.random.get_rng_state())
    other = train("films", [plant()], config.model_copy(update={"seed": 1}))
    assert not first.history.drop("seconds").equals(other.history.drop("seconds"))


@pytest.mark.parametrize("term", objective.TERMS)
def test_every_term_has_a_gradient_and_a_switch(plant, term):
    data = plant()
    config = SMALL.model_copy(update={"home_dropout": 0.0})
    model = untrained([data], config)
    torch.nn.init.normal_(model.rationale_projection.up.weight)
    batch = collate(windows(data, 50)[:20], torch.device("cpu"))
    rng = np.random.default_rng(0)
    examples = objective.Examples(model, data, config, rng)
    terms = examples.terms(examples.step(batch))
    assert set(terms) == set(objective.TERMS)
    terms[term].mean.backward()
    moved = [name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    touched = {"rationale": "rationale_projection.down.weight", "thought": "gate.out.weight"}
    assert touched.get(term, "at_home.recency") in moved
    off = config.model_copy(update={f"{term}_weight": 0.0})
    without = objective.Examples(model, data, off, rng)
    assert term not in without.terms(without.step(batch))


@pytest.mark.parametrize("told", [40, 10, 2])
def test_a_rationale_weighs_the_same_however_few_have_one(plant, told):
    data = plant(n_users=40)
    few = {kind: getattr(data.rationales, kind).copy() for kind in ("serving", "training", "hindsight")}
    for vectors in few.values():
        vectors[told:] = np.nan
    data = replace(data, rationales=replace(data.rationales, **few))
    config = SMALL.model_copy(update={"home_dropout": 0.0})
    examples = objective.Examples(untrained([data], config), data, config, np.random.default_rng(0))
    batch = collate(windows(data, 50), torch.device("cpu"))
    terms = examples.terms(examples.step(batch))
    predictions = int((batch.targets >= 0).sum())
    for name in ("thought", "contrast", "hindsight", "rationale"):
        assert terms[name].part * predictions == pytest.approx(told), name
    assert terms["next_item"].part == 1
    expected = sum(
        getattr(config, f"{name}_weight") * term.part * term.mean.item() for name, term in terms.items()
    )
    assert objective.total(terms, config).item() == pytest.approx(expected)


def test_a_batch_without_any_term_is_skipped(plant):
    weights = {f"{term}_weight": 0.0 for term in objective.TERMS}
    trained = train("films", [plant()], SMALL.model_copy(update={"epochs": 1, **weights}))
    assert trained.history.height == 2


def test_without_rationales_only_behaviour_is_learned(plant):
    bare = plant(rationale_noise=None)
    absent = replace(
        plant(),
        rationales=replace(
            plant().rationales, **{k: nothing(bare) for k in ("serving", "training", "hindsight")}
        ),
    )
    trained, same = (
        train("films", [data], SMALL.model_copy(update={"home_dropout": 0.0, "epochs": 3}))
        for data in (bare, absent)
    )
    users = np.arange(10)
    assert trained.history["thought"].null_count() == trained.history.height
    assert np.allclose(
        ThoughtSpaceRanker(trained.model).score(bare, users, "test"),
        ThoughtSpaceRanker(same.model).score(absent, users, "test"),
    )


def nothing(data):
    return np.full((len(data.user_ids), data.item_vectors.shape[1]), np.nan, dtype=np.float32)


def test_a_training_rationale_meets_the_item_it_speaks_about_alone(plant, resequence):
    data = resequence(plant(), [list(range(12)), [1, 2, 3, 4], list(range(20, 32))])
    silent = nothing(data)
    speaking = RationaleVectors(silent, silent, silent, spoken=np.array([9, -1, 3]))
    cut = windows(replace(data, rationales=speaking), 4)
    batch = collate(cut, torch.device("cpu"))
    about = batch.targets[torch.arange(len(cut)), batch.spoken]
    assert about[batch.speaks].tolist() == [9, 23]
    assert batch.users[batch.speaks.numpy()].tolist() == [0, 2]
    assert not {10, 11, 30, 31} & set(batch.targets.flatten().tolist())


def test_windows_cover_every_training_transition_once(plant, resequence):
    data = resequence(plant(), [list(range(n)) for n in range(2, 30)])
    pairs = [(window.user, int(b)) for window in windows(data, 5) for b in window.items[1:]]
    expected = [(user, item) for user, n in enumerate(data.n_train) for item in range(1, n)]
    assert sorted(pairs) == expected


@pytest.mark.parametrize("limit", [10, 1000])
def test_negatives_are_sampled_beyond_the_limit(plant, monkeypatch, limit):
    data = plant(n_users=200)
    sampled = []
    whole = losses.next_item

    def told(logits, targets, seen, log_chance=None):
        sampled.append(log_chance is not None and logits.shape[1] < data.n_items)
        return whole(logits, targets, seen, log_chance)

    monkeypatch.setattr(losses, "next_item", told)
    config = SMALL.model_copy(
        update={"full_softmax_items": limit, "sampled_negatives": 5, "batch_size": 4, "epochs": 2}
    )
    trained = train("films", [data], config)
    assert set(sampled) == {limit < data.n_items}
    found = trained.history["next_item"].drop_nulls().to_list()
    assert found[-1] < found[0]


@pytest.mark.parametrize(
    "sequences",
    [[], [[0]], [[0, 1]], [[0, 1, 2]], [[0, 1, 2, 3]], [[5, 5, 5, 5, 5]], [[0, 1, 2, 3], [0]]],
    ids=["nobody", "1 item", "2 items", "3 items", "4 items", "one item again", "mixed"],
)
def test_tiny_domains_train_and_score(plant, resequence, sequences):
    data = resequence(plant(), sequences)
    trained = train("films", [data], SMALL.model_copy(update={"epochs": 2}))
    scores = ThoughtSpaceRanker(trained.model).score(data, np.arange(len(sequences)), "test")
    assert scores.shape == (len(sequences), data.n_items)
    assert np.isfinite(scores).all()


def test_a_catalogue_without_any_text_trains(plant):
    data = plant()
    data = replace(data, item_vectors=np.zeros_like(data.item_vectors))
    trained = train("films", [data], SMALL.model_copy(update={"epochs": 2}))
    assert np.isfinite(ThoughtSpaceRanker(trained.model).score(data, np.arange(3), "valid")).all()


def test_a_small_domain_is_not_drowned():
    steps = schedule([10_000, 100], ThoughtSpaceConfig(batch_size=50), np.random.default_rng(0))
    assert len(steps) == 202
    assert (steps == 1).sum() > 10

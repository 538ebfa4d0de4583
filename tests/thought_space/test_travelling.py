"""A source that was held out says how long a model for domains never seen is trained."""

from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.thought_space import travelling
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.learner import Learner
from pulse_pipeline.thought_space.training import Abroad, train
from pulse_pipeline.thought_space.travelling import held_out_source, train_to_travel
from pulse_pipeline.thought_space.validation import Validation

SMALL = ThoughtSpaceConfig(epochs=4, patience=4, batch_size=32, dropout=0.1)


def _sources(plant):
    return [plant("films", length=5), plant("books", length=5, seed=5, n_users=150)]


def _weights(model):
    return {name: tensor.tolist() for name, tensor in model.state_dict().items()}


def test_the_source_of_most_users_with_a_rationale_judges(plant):
    films, books = _sources(plant)
    assert held_out_source([films, books]) is books
    assert held_out_source([films, replace(books, rationales=None)]) is None
    assert held_out_source([films]) is None


def test_too_few_to_judge_or_to_learn_from_decide_nothing(plant):
    few = [plant(domain, n_users=9, seed=seed) for seed, domain in enumerate(("films", "books"))]
    assert held_out_source(few) is None
    assert held_out_source([few[0], plant("games")]) is None  # nine teach nothing, and nine judge nothing


def test_the_model_of_all_sources_is_trained_as_long_as_the_one_held_out_asks_for(plant):
    films, books = _sources(plant)
    hasty = SMALL.model_copy(update={"learning_rate": 0.03})  # so that the best is not the last
    judged = train("films", [films], hasty, judges=[books])
    asked = judged.history["val_ndcg@10"].arg_max()
    assert judged.model.rationale_serving_weight > 0
    assert 0 < asked < hasty.epochs
    travelled = train_to_travel("both", [films, books], hasty)
    assert travelled.history["epoch"].to_list() == list(range(asked + 1))
    assert travelled.model.rationale_serving_weight == judged.model.rationale_serving_weight
    assert set(travelled.model.catalogues) == {"films", "books"}
    name, history = travelled.held_out
    assert name == "books"
    assert history.drop("seconds").equals(judged.history.drop("seconds"))


def test_the_last_epoch_is_kept_where_that_was_decided_elsewhere(plant):
    sources = _sources(plant)
    steps = SMALL.model_copy(update={"learning_rate": 0.3})  # so that epochs get worse
    decided = train("both", sources, steps, abroad=Abroad(most_served=0.5, epochs=3))
    values = decided.history["val_ndcg@10"].to_list()
    assert max(values) > values[3]
    assert decided.history["kept"].to_list() == [False, False, False, True]
    assert Validation(decided.model, sources, steps).ndcg() < max(values)


def test_the_milder_word_of_the_two_is_served(plant):
    own = train("both", _sources(plant), SMALL)
    capped = train("both", _sources(plant), SMALL, abroad=Abroad(most_served=0.25, epochs=None))
    assert own.model.rationale_serving_weight > 0.25
    assert capped.model.rationale_serving_weight == 0.25
    noise = plant("films", length=5, rationale_noise=50.0)
    silent = train("films", [noise], SMALL, abroad=Abroad(most_served=1.0, epochs=None))
    assert silent.model.rationale_serving_weight == 0


def test_where_nothing_is_served_abroad_the_mix_stops_by_itself(plant):
    films, books = (
        plant(domain, length=5, seed=seed, rationale_noise=50.0)
        for seed, domain in enumerate(("films", "books"))
    )
    own, travelled = (trainer("both", [films, books], SMALL) for trainer in (train, train_to_travel))
    assert travelled.held_out is not None
    assert travelled.model.rationale_serving_weight == 0
    assert travelled.history.drop("seconds").equals(own.history.drop("seconds"))


def test_so_it_does_where_only_its_own_sources_want_nothing_served(plant, tmp_path, monkeypatch):
    films, books = (
        plant(domain, length=5, seed=seed, rationale_noise=50.0)
        for seed, domain in enumerate(("films", "books"))
    )
    monkeypatch.setattr(travelling, "decided", lambda tried: Abroad(most_served=1.0, epochs=1))
    own = train("both", [films, books], SMALL)
    travelled = train_to_travel("both", [films, books], SMALL, state=tmp_path / "loo.safetensors")
    assert own.history["epoch"][-1] > 1
    assert travelled.model.rationale_serving_weight == 0
    assert travelled.history.drop("seconds").equals(own.history.drop("seconds"))


def test_without_rationales_it_is_any_training(plant):
    bare = [replace(data, rationales=None) for data in _sources(plant)]
    own, travelled = (trainer("both", bare, SMALL) for trainer in (train, train_to_travel))
    assert travelled.held_out is None
    assert _weights(own.model) == _weights(travelled.model)


def test_a_setting_leaves_it_to_the_mix_itself(plant):
    own = train("both", _sources(plant), SMALL)
    travelled = train_to_travel("both", _sources(plant), SMALL.model_copy(update={"hold_out_source": False}))
    assert travelled.held_out is None
    assert travelled.history.drop("seconds").equals(own.history.drop("seconds"))


def test_a_killed_one_goes_on_in_either_training(plant, tmp_path, monkeypatch):
    sources, state = _sources(plant), tmp_path / "loo.safetensors"
    whole = train_to_travel("both", sources, SMALL)
    learn, trained = Learner.epoch, []

    def killed_after(epochs):
        def epoch(learner, progress):
            if len(trained) == epochs:
                raise KeyboardInterrupt
            trained.append(len(learner.facts()["left"]))
            return learn(learner, progress)

        monkeypatch.setattr(Learner, "epoch", epoch)
        with pytest.raises(KeyboardInterrupt):
            train_to_travel("both", sources, SMALL, state=state)

    killed_after(2)
    assert trained == [1, 1]  # of films alone
    killed_after(5)
    assert trained == [1, 1, 1, 1, 2]  # on from there, and of both
    assert state.with_stem("loo-without-books").exists()
    monkeypatch.setattr(Learner, "epoch", learn)
    resumed = train_to_travel("both", sources, SMALL, state=state)
    assert _weights(resumed.model) == _weights(whole.model)


def test_who_has_no_rationale_does_not_judge(plant):
    films, books = _sources(plant)
    silent = books.rationales.serving.copy()
    silent[20:] = np.nan
    few = replace(books, rationales=replace(books.rationales, serving=silent))
    trained = train("films", [films], SMALL, judges=[few])
    told = Validation(trained.model, [few], SMALL, told=True)
    assert told.ndcg() == pytest.approx(trained.history["val_ndcg@10"].max(), abs=1e-6)
    assert Validation(trained.model, [few], SMALL).ndcg() != pytest.approx(told.ndcg(), abs=1e-3)


def test_a_trial_goes_on_while_it_gets_better_at_home(plant):
    films, books = plant("films"), plant("books", seed=5, rationale_noise=50.0)  # nothing of it is served
    config = SMALL.model_copy(update={"patience": 1})
    trained = train("films", [films], config, judges=[books])
    judged, home = (trained.history[name].to_list() for name in ("val_ndcg@10", "home_val_ndcg@10"))
    assert judged == [judged[0]] * len(judged)
    assert home[1] > home[0]
    assert len(judged) > 2

"""A training that was stopped goes on to the same result."""

from dataclasses import replace

import pytest
import torch

from pulse_pipeline.errors import PulseError
from pulse_pipeline.progress import listening
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.learner import Learner
from pulse_pipeline.thought_space.training import train
from tests.interruption import Stop
from tests.thought_space.conftest import planted

CONFIG = ThoughtSpaceConfig(device="cpu", epochs=4, batch_size=32, attention_width=16, patience=4)
STEPS = 8


@pytest.fixture(scope="module")
def uninterrupted():
    domains = [planted(), planted("books", seed=5, rationale_noise=None)]
    return domains, train("both", domains, CONFIG)


def same(one, other):
    assert one.history.drop("seconds").equals(other.history.drop("seconds"))
    state = other.model.state_dict()
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, state[name]), name


@pytest.mark.parametrize("step", [3, STEPS + 1, 2 * STEPS + 5, 3 * STEPS + 1, 4 * STEPS])
def test_a_stopped_training_goes_on_to_the_same_weights(uninterrupted, tmp_path, step):
    domains, whole = uninterrupted
    state = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt), listening(Stop(step)):
        train("both", domains, CONFIG, state=state)
    assert state.exists() == (step > STEPS)
    torch.rand(7)  # whatever chance has been used for in between
    same(train("both", domains, CONFIG, state=state), whole)


def test_rows_of_a_sampled_catalogue_go_on_with_their_moments(tmp_path):
    films, state = planted(), tmp_path / "state.safetensors"
    config = CONFIG.model_copy(update={"full_softmax_items": 10, "sampled_negatives": 8})
    whole = train("films", [films], config)
    with pytest.raises(KeyboardInterrupt), listening(Stop(2 * STEPS + 5)):
        train("films", [films], config, state=state)
    same(train("films", [films], config, state=state), whole)


@pytest.mark.parametrize(("weights", "views"), [((0.0, 1e-9), 1), ((0.5,), 2)])
def test_thoughts_that_were_left_out_stay_out_when_it_goes_on(tmp_path, weights, views):
    films, state = planted(), tmp_path / "state.safetensors"
    domains = [replace(films, item_thoughts=films.item_vectors[::-1].copy()), planted("books", seed=5)]
    config = CONFIG.model_copy(update={"epochs": 2, "item_thought_weights": weights})
    whole = train("both", domains, config)
    with pytest.raises(KeyboardInterrupt), listening(Stop(STEPS + 1)):
        train("both", domains, config, state=state)
    assert state.exists() and whole.model.views == views
    same(train("both", domains, config, state=state), whole)


def test_a_finished_training_is_read_and_nothing_is_learned_again(uninterrupted, tmp_path, monkeypatch):
    domains, whole = uninterrupted
    state = tmp_path / "state.safetensors"
    same(train("both", domains, CONFIG, state=state), whole)

    def refuse(learner, progress):
        raise AssertionError

    monkeypatch.setattr(Learner, "epoch", refuse)
    same(train("both", domains, CONFIG, state=state), whole)


@pytest.mark.parametrize(
    "changed",
    ["settings", "history", "vectors", "rationales", "item thoughts", "ratings", "order of domains"],
)
def test_other_settings_or_data_begin_anew(uninterrupted, tmp_path, changed):
    domains, _ = uninterrupted
    state = tmp_path / "state.safetensors"
    short = CONFIG.model_copy(update={"epochs": 1})
    train("both", domains, short, state=state)
    first = domains[0]
    others = {
        "settings": (domains, short.model_copy(update={"dropout": 0.1})),
        "history": ([planted(seed=3), domains[1]], short),
        "vectors": ([replace(first, item_vectors=-first.item_vectors), domains[1]], short),
        "rationales": ([replace(first, rationales=None), domains[1]], short),
        "item thoughts": ([replace(first, item_thoughts=first.item_vectors), domains[1]], short),
        "ratings": ([replace(first, disliked=[items[:1] for items in first.sequences]), domains[1]], short),
        "order of domains": (domains[::-1], short),
    }
    data, config = others[changed]
    same(train("both", data, config, state=state), train("both", data, config))


def test_a_damaged_state_says_how_to_mend_it(uninterrupted, tmp_path):
    domains, _ = uninterrupted
    state = tmp_path / "state.safetensors"
    state.write_bytes(b"\x10" + b"\x00" * 30)
    with pytest.raises(PulseError, match="remove it"):
        train("both", domains, CONFIG, state=state)

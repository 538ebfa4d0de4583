"""Passes and precision change how a step is computed, not what it learns."""

import numpy as np
import pytest
import torch

from pulse_pipeline.thought_space import objective
from pulse_pipeline.thought_space.batches import Share, collate, windows
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.optimisation import Stepper, autocast
from pulse_pipeline.thought_space.training import train, untrained
from pulse_pipeline.thought_space.workers import ALONE

NO_CHANCE = {"dropout": 0.0, "rationale_dropout": 0.0, "home_dropout": 0.0}
CONFIG = ThoughtSpaceConfig(device="cpu", epochs=3, batch_size=64, attention_width=16, **NO_CHANCE)
SAMPLED = {"full_softmax_items": 10, "sampled_negatives": 40}


def learned(data, config, steps=3):
    torch.manual_seed(0)
    model = untrained([data], config).train()
    examples = objective.Examples(model, data, config, np.random.default_rng(0))
    stepper = Stepper(model, config, ALONE)
    cut = windows(data, 50)
    batches = (collate(cut[at : at + 40], torch.device("cpu")) for at in range(0, 40 * steps, 40))
    terms = [stepper.step(examples, examples.step(batch)) for batch in batches]
    return model, terms


@pytest.mark.parametrize("softmax", [{}, SAMPLED], ids=["full", "sampled"])
@pytest.mark.parametrize("passes", [2, 3, 50])
def test_accumulated_passes_learn_what_one_pass_learns(plant, passes, softmax):
    config = CONFIG.model_copy(update=softmax)
    one, terms = learned(plant(), config)
    many, same_terms = learned(plant(), config.model_copy(update={"accumulation": passes}))
    for before, after in zip(terms, same_terms, strict=True):
        assert set(before) == set(after) == set(objective.TERMS)
        for name, term in before.items():
            assert after[name].item() == pytest.approx(term.item(), abs=1e-5), name
    state = many.state_dict()
    for name, tensor in one.state_dict().items():
        assert torch.allclose(tensor, state[name], atol=1e-5), name


def test_a_sample_holds_items_as_often_as_the_correction_says(plant):
    """A batch's targets are in its sample however seldom they are drawn, and count for the other rows."""
    data = plant(n_users=300)
    config = CONFIG.model_copy(update={"full_softmax_items": 1, "sampled_negatives": 5})
    examples = objective.Examples(untrained([data], config), data, config, np.random.default_rng(0))
    cut, rng, held, said = windows(data, 50), np.random.default_rng(1), 0.0, 0.0
    everything, repeats = np.arange(data.n_items), 800
    proposal = objective.Proposal.of(data)
    for _ in range(repeats):
        drawn = [cut[place] for place in rng.choice(len(cut), 4)]
        step = examples.step(collate(drawn, torch.device("cpu")))
        predictions = int((step.batch.targets >= 0).sum())
        held = held + np.isin(everything, step.negatives)
        said = said + np.exp(proposal.log_chance(everything, config.sampled_negatives, predictions))
    assert np.abs(held - said).max() / repeats < 0.06
    assert np.corrcoef(held, said)[0, 1] > 0.9


def test_shares_cover_every_row_once():
    rows = torch.arange(17)
    shares = [rows[Share(index, 5).rows] for index in range(5)]
    assert torch.cat(shares).sort().values.equal(rows)


def test_bfloat16_learns_about_the_same_and_keeps_weights_whole(plant):
    data = plant(n_users=200)
    exact, rough = (
        train("films", [data], CONFIG.model_copy(update={"precision": precision}))
        for precision in ("float32", "bfloat16")
    )
    assert {tensor.dtype for tensor in rough.model.state_dict().values()} == {torch.float32}
    for name in objective.TERMS:
        one, other = (trained.history[name].drop_nulls().to_numpy() for trained in (exact, rough))
        assert not np.array_equal(one, other)
        assert np.allclose(one, other, rtol=0.03), name


def test_auto_is_exact_on_a_cpu():
    with autocast(ThoughtSpaceConfig(), torch.device("cpu")):
        assert not torch.is_autocast_enabled("cpu")
    with autocast(ThoughtSpaceConfig(precision="bfloat16"), torch.device("cpu")):
        assert torch.is_autocast_enabled("cpu")

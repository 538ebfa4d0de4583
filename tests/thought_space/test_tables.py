"""Rows lent to a step are learned as a whole table would be; the others wait."""

import numpy as np
import pytest
import torch

from pulse_pipeline.thought_space import objective
from pulse_pipeline.thought_space.batches import collate, windows
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.optimisation import Stepper
from pulse_pipeline.thought_space.tables import LazyTable
from pulse_pipeline.thought_space.training import untrained
from pulse_pipeline.thought_space.workers import ALONE

SAMPLED = ThoughtSpaceConfig(
    device="cpu", attention_width=16, full_softmax_items=10, sampled_negatives=5, home_dropout=0.0
)


@pytest.fixture
def home(plant):
    model = untrained([plant(n_items=6, length=4)], SAMPLED)
    torch.manual_seed(0)
    torch.nn.init.normal_(model.home("films").vectors)
    return model


def test_rows_met_at_every_step_move_as_under_adamw(home):
    vectors, lazy = home.home("films").vectors, LazyTable(home, "films", SAMPLED)
    whole = torch.nn.Parameter(vectors.detach().clone())
    adamw = torch.optim.AdamW([whole], lr=SAMPLED.learning_rate, weight_decay=SAMPLED.weight_decay)
    for step in range(5):
        gradient = torch.randn(6, vectors.shape[1], generator=torch.Generator().manual_seed(step))
        with lazy.lent(torch.arange(6)) as lent:
            lent.grad = gradient.clone()
        whole.grad = gradient
        adamw.step()
    assert torch.equal(vectors, whole)


def test_rows_that_a_step_does_not_meet_wait(home):
    vectors, lazy = home.home("films").vectors, LazyTable(home, "films", SAMPLED)
    before = vectors.detach().clone()
    with lazy.lent(torch.tensor([1, 4])) as lent:
        assert torch.equal(home.home("films").residual(torch.tensor([4, 1, 4])), lent[[1, 0, 1]])
        lent.grad = torch.ones_like(lent)
    moved = (vectors != before).any(dim=1)
    assert moved.tolist() == [False, True, False, False, True, False]
    assert torch.equal(lazy.moments["exp_avg"].any(dim=1), moved)
    assert home.home("films").residual(torch.tensor([-1])).eq(0).all()


def test_a_step_without_a_gradient_leaves_no_trace(home):
    vectors, lazy = home.home("films").vectors, LazyTable(home, "films", SAMPLED)
    before = vectors.detach().clone()
    with lazy.lent(torch.tensor([0, 2])):
        pass
    with pytest.raises(KeyboardInterrupt), lazy.lent(torch.tensor([0, 2])) as lent:
        lent.grad = torch.ones_like(lent)
        raise KeyboardInterrupt
    assert torch.equal(home.home("films").residual(torch.arange(6)), before)
    assert torch.equal(vectors, before)
    assert lazy.moments["step"] == 0


@pytest.mark.parametrize("limit", [1000, 10], ids=["full softmax", "sampled"])
def test_no_gradient_is_as_long_as_a_catalogue_that_is_sampled(plant, limit):
    data, config = plant(n_items=80), SAMPLED.model_copy(update={"full_softmax_items": limit})
    model = untrained([data], config).train()
    examples = objective.Examples(model, data, config, np.random.default_rng(0))
    step = examples.step(collate(windows(data, 50)[:2], torch.device("cpu")))
    Stepper(model, config, ALONE).step(examples, step)
    vectors = model.home("films").vectors
    met = int(vectors.any(dim=1).sum())
    assert (vectors.grad is None) == (limit == 10)
    assert met == 80 if limit == 1000 else 5 < met < 30


def test_of_a_mix_only_the_large_catalogue_is_lent(plant):
    large, small = plant(n_items=80), plant("books", n_items=30)
    config = SAMPLED.model_copy(update={"full_softmax_items": 50})
    model = untrained([large, small], config).train()
    stepper = Stepper(model, config, ALONE)
    for data in (large, small):
        examples = objective.Examples(model, data, config, np.random.default_rng(0))
        step = examples.step(collate(windows(data, 50)[:2], torch.device("cpu")))
        stepper.step(examples, step)
    assert model.home("films").vectors.grad is None
    assert 5 < int(model.home("films").vectors.any(dim=1).sum()) < 30
    assert model.home("books").vectors.any(dim=1).all()
    assert {"homes.0.vectors", "homes.1.vectors"} < set(stepper.moments())


def test_negatives_are_drawn_as_numpy_draws_by_chance(plant):
    proposal = objective.Proposal.of(plant())
    drawn = proposal.draw(np.random.default_rng(7), 1000)
    assert np.array_equal(drawn, np.random.default_rng(7).choice(80, 1000, p=proposal.drawn))

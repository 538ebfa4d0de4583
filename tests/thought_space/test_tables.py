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
        lazy.lend(torch.arange(6)).grad = gradient.clone()
        lazy.take_back()
        whole.grad = gradient
        adamw.step()
    assert torch.equal(vectors, whole)


def test_rows_that_a_step_does_not_meet_wait(home):
    vectors, lazy = home.home("films").vectors, LazyTable(home, "films", SAMPLED)
    before = vectors.detach().clone()
    lent = lazy.lend(torch.tensor([1, 4]))
    assert torch.equal(home.home("films").residual(torch.tensor([4, 1, 4])), lent[[1, 0, 1]])
    lent.grad = torch.ones_like(lent)
    lazy.take_back()
    moved = (vectors != before).any(dim=1)
    assert moved.tolist() == [False, True, False, False, True, False]
    assert torch.equal(lazy.moments["exp_avg"].any(dim=1), moved)
    assert home.home("films").residual(torch.tensor([-1])).eq(0).all()


def test_a_step_without_a_gradient_leaves_no_trace(home):
    vectors, lazy = home.home("films").vectors, LazyTable(home, "films", SAMPLED)
    before = vectors.detach().clone()
    lazy.lend(torch.tensor([0, 2]))
    lazy.take_back()
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

"""The rule by which the alias moves."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pulse_pipeline.evaluation.champion import challenge, enter
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.model import ThoughtSpace
from tests.thought_space.conftest import planted


@pytest.fixture(scope="module")
def data():
    return planted(n_users=150)


def _model(data, noise=0.0):
    """The untrained model, which ranks as centred text-kNN, or one with a bias of noise for each item."""
    model = ThoughtSpace(data.item_vectors.shape[1], {data.domain: data.item_ids}, ThoughtSpaceConfig())
    generator = torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.homes.named_parameters():
            if "bias" in name:
                parameter.copy_(noise * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def test_a_better_model_is_promoted_and_a_worse_one_is_not(data):
    good, bad = _model(data), _model(data, 100.0)
    better, worse = challenge(good, bad, data), challenge(bad, good, data)
    assert better.promoted
    assert better.difference.low >= 0
    assert better.n_users == 150
    assert not worse.promoted
    assert worse.difference.value == pytest.approx(-better.difference.value)


def test_an_equal_model_changes_nothing(data):
    verdict = challenge(_model(data), _model(data), data)
    assert not verdict.promoted
    assert (verdict.difference.value, verdict.difference.low) == (0, 0)


def test_a_difference_that_may_be_chance_changes_nothing(data):
    verdict = challenge(_model(data, 0.05), _model(data), data)
    assert verdict.difference.low < 0
    assert not verdict.promoted


def test_test_targets_are_not_looked_at(data):
    models = _model(data, 0.5), _model(data)
    other_tests = [np.append(sequence[:-1], (sequence[-1] + 7) % data.n_items) for sequence in data.sequences]
    assert challenge(*models, data) == challenge(*models, replace(data, sequences=other_tests))


def test_the_first_model_enters_if_a_loss_to_its_untrained_start_is_excluded(data):
    assert enter(_model(data), data, "there is none").promoted
    refused = enter(_model(data, 100.0), data, "there is none")
    assert not refused.promoted
    assert refused.difference.high < 0
    assert refused.reason == "there is none, but a loss to text-kNN centred is not excluded"


def test_without_validation_items_nobody_moves(data):
    nobody = replace(data, n_train=data.n_known)
    assert not challenge(_model(data), _model(data, 1.0), nobody).promoted
    assert not enter(_model(data), nobody, "there is none").promoted

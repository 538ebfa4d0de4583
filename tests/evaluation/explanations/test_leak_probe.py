from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation.explanations.leak_probe import leak_probe
from tests.thought_space.conftest import planted


@pytest.fixture
def data():
    return planted(n_users=200, n_items=100)


def _with(data, **vectors):
    return replace(data, rationales=replace(data.rationales, **vectors))


def _of_items(data):
    """Rationales that say all of their item."""
    spoken = data.rationales.spoken
    return np.stack([data.item_vectors[items[at]] for items, at in zip(data.sequences, spoken, strict=True)])


def test_a_rationale_that_names_its_item_is_found_out(data):
    probe = leak_probe(_with(data, hindsight=_of_items(data)))
    assert probe.hindsight.mean() > 0.95
    assert probe.hindsight.mean() > probe.foresight.mean() > probe.chance


def test_rationales_about_nothing_are_at_chance(data):
    noise = np.random.default_rng(0).normal(size=(2, *data.rationales.hindsight.shape)).astype(np.float32)
    probe = leak_probe(_with(data, hindsight=noise[0], training=noise[1]))
    assert probe.users == 200
    assert probe.chance == pytest.approx(0.1)
    assert probe.hindsight.mean() == pytest.approx(0.1, abs=0.07)
    assert probe.foresight.mean() == pytest.approx(0.1, abs=0.07)


def test_both_kinds_are_compared_on_the_same_users(data):
    half = data.rationales.training.copy()
    half[:100] = np.nan
    assert leak_probe(_with(data, training=half)).users == 100
    assert leak_probe(_with(data, training=np.full_like(half, np.nan))) is None
    assert leak_probe(replace(data, rationales=None)) is None

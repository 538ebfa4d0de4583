"""The published contrast by hand, and that nothing gets below its floor."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.thought_space.published.loss import behaviour_to_rationale, floor


def draw():
    return torch.Generator().manual_seed(0)


def test_the_floor_of_the_published_settings_is_856_thousandths():
    assert floor(1.0, 10) == pytest.approx(0.856, abs=5e-4)
    assert math.exp(-floor(1.0, 10)) == pytest.approx(0.42, abs=0.005)


def test_a_perfect_space_reaches_the_floor_and_no_temperature_keeps_it_up():
    perfect = 2 * torch.eye(16) - 1
    assert behaviour_to_rationale(perfect, 1.0, 10, draw()).item() == pytest.approx(floor(1.0, 10), abs=1e-6)
    assert behaviour_to_rationale(perfect, 0.07, 10, draw()).item() < 1e-8


def test_three_pairs_by_hand():
    cosines = torch.tensor([[0.5, 0.0, -0.5], [0.2, 0.4, 0.6], [0.0, 0.0, 1.0]])
    rows = [[0.5, 0.0, -0.5], [0.4, 0.2, 0.6], [1.0, 0.0, 0.0]]
    by_hand = [math.log(sum(math.exp(s) for s in row)) - row[0] for row in rows]
    assert behaviour_to_rationale(cosines, 1.0, 10, draw()).item() == pytest.approx(
        sum(by_hand) / 3, abs=1e-6
    )


def test_only_some_of_the_others_are_negatives_and_never_the_own():
    equal = torch.zeros(16, 16)
    for negatives in (1, 10, 15, 99):
        found = behaviour_to_rationale(equal, 1.0, negatives, draw()).item()
        assert found == pytest.approx(math.log(1 + min(negatives, 15)), abs=1e-6)
    own = torch.zeros(16, 16).fill_diagonal_(1.0)
    assert behaviour_to_rationale(own, 1.0, 10, draw()).item() == pytest.approx(math.log(math.e + 10) - 1)


def test_one_direction_only():
    cosines = torch.zeros(4, 4)
    cosines[:, 0] = 1.0  # everybody is nearest to the first rationale
    there = behaviour_to_rationale(cosines, 1.0, 3, draw()).item()
    back = behaviour_to_rationale(cosines.T, 1.0, 3, draw()).item()
    assert there != pytest.approx(back, abs=1e-3)


@given(st.integers(2, 20), st.integers(1, 12), st.floats(0.05, 2.0), st.integers(0, 99))
def test_no_cosines_get_below_the_floor(m, negatives, temperature, seed):
    cosines = torch.rand(m, m, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    found = behaviour_to_rationale(cosines, temperature, negatives, draw()).item()
    assert found >= floor(temperature, min(negatives, m - 1)) - 1e-5

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.evaluation.explanations.rank_biased_overlap import rank_biased_overlap


def _one(a, b, persistence=0.9):
    return float(rank_biased_overlap(np.array([a]), np.array([b]), persistence)[0])


def test_a_case_worked_out_by_hand():
    # Agreement is 0, 1, 2/3 at depths 1 to 3; p = 1/2: 1/2 * (0 + 1/2 * 1 + 1/4 * 2/3) * 1 ... + 2/3 / 8
    expected = sum(x / d * 0.5**d for d, x in ((1, 0), (2, 2), (3, 2))) + 2 / 3 * 0.5**3
    assert _one([1, 2, 3], [2, 1, 4], 0.5) == pytest.approx(expected)


@given(st.permutations(range(10)), st.permutations(range(10)))
def test_it_is_symmetric_bounded_and_one_only_for_equal_lists(a, b):
    found = _one(a, b)
    assert found == pytest.approx(_one(b, a))
    assert 0 <= found <= 1 + 1e-6
    assert (found > 1 - 1e-6) == (a == b)


def test_lists_without_a_common_item_have_none():
    assert _one(range(10), range(10, 20)) == 0


@pytest.mark.parametrize("place", range(9))
def test_a_change_counts_more_the_higher_it_stands(place):
    def changed(at):
        return [*range(at), 99, *range(at + 1, 10)]

    assert _one(range(10), changed(place)) < _one(range(10), changed(place + 1))


def test_lists_of_other_depth_are_refused():
    with pytest.raises(ValueError, match="one depth"):
        rank_biased_overlap(np.zeros((1, 3), int), np.zeros((1, 4), int))

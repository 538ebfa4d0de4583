"""Bootstrap intervals: coverage, pairing, memory, seeds."""

import time
import tracemalloc

import numpy as np
import pytest

from pulse_pipeline.evaluation import bootstrap
from pulse_pipeline.evaluation.bootstrap import intervals, paired_difference


def test_interval_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(0).random(5000)
    [interval] = intervals(values[:, None])
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=half * 0.12)
    assert interval.high == pytest.approx(values.mean() + half, abs=half * 0.12)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1)
    samples = (generator.random((400, 300)) < 0.2).astype(float).T  # 300 users, 400 repetitions
    covered = [interval.low <= 0.2 <= interval.high for interval in intervals(samples)]
    assert 0.90 < np.mean(covered) < 0.99


def test_same_seed_same_interval_whatever_stands_beside() -> None:
    values = np.random.default_rng(2).random((200, 3))
    together = intervals(values, seed=5)
    assert together[1].low == pytest.approx(intervals(values[:, 1:2], seed=5)[0].low)
    assert together[1].low != intervals(values[:, 1:2], seed=6)[0].low


def test_pairing_sees_what_separate_intervals_cannot() -> None:
    generator = np.random.default_rng(3)
    base = generator.random(300)
    better = base + 0.01 + generator.normal(0, 0.01, 300)
    apart = intervals(np.stack([base, better], axis=1))
    assert apart[0].high > apart[1].low
    gap = paired_difference(better, base)
    assert gap.low > 0
    assert gap.p_value == pytest.approx(2 / 1001)


def test_difference_turns_its_sign_with_its_sides() -> None:
    a, b = np.random.default_rng(4).random((2, 500))
    one, other = paired_difference(a, b), paired_difference(b, a)
    assert one.value == pytest.approx(-other.value)
    assert one.low == pytest.approx(-other.high)
    assert one.p_value == other.p_value


def test_no_difference_is_no_evidence() -> None:
    values = np.random.default_rng(5).random(100)
    gap = paired_difference(values, values)
    assert (gap.value, gap.low, gap.high, gap.p_value) == (0, 0, 0, 1)


def test_p_values_of_noise_are_rarely_small() -> None:
    generator = np.random.default_rng(6)
    p_values = [paired_difference(*generator.random((2, 80)), resamples=200).p_value for _ in range(200)]
    assert np.mean(np.array(p_values) < 0.05) < 0.11


def test_blocks_do_not_change_the_number_of_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "MAX_BLOCK", 70)
    assert sum(len(block) for block in bootstrap._draws(20, seed=0, resamples=100)) == 100
    assert all((block.sum(axis=1) == 20).all() for block in bootstrap._draws(20, seed=0, resamples=100))


def test_many_users_take_little_time_and_memory() -> None:
    values = np.random.default_rng(7).random((22_000, 12))
    tracemalloc.start()
    started = time.perf_counter()
    intervals(values)
    seconds = time.perf_counter() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 5
    assert peak < 200e6


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [1.0, 2.0])])
def test_nothing_to_draw_from_is_an_error(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match=r"no user|same users"):
        paired_difference(a, b)

"""Figures of explanations: what nobody has may yet be had by others."""

import numpy as np
import pytest

from pulse_pipeline.evaluation.explanations.figures import mean_figure, share_figure


@pytest.mark.parametrize("flag", [0.0, 1.0])
def test_a_share_that_all_agree_on_keeps_an_interval(flag):
    found = share_figure("share", "texts", np.full(131, flag, np.float32))
    # Of 131 none: up to 1 - 0.025 ** (1 / 131) of others may have it.
    assert found.high - found.low == pytest.approx(1 - 0.025 ** (1 / 131))
    assert found.low <= found.value <= found.high
    assert found.value == flag


def test_a_shares_interval_is_about_that_of_draws_where_there_are_enough():
    flags = (np.arange(500) % 4 == 0).astype(np.float32)
    exact, drawn = share_figure("share", "texts", flags), mean_figure("share", "texts", flags)
    assert (exact.low, exact.high) == pytest.approx((drawn.low, drawn.high), abs=0.01)

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.evaluation.evaluate import evaluate_ranker
from pulse_pipeline.evaluation.figures import KEY, distinct_figures, holm
from tests.evaluation.test_evaluate import Oracle, domain


def _figures(share: float, mix: str) -> pl.DataFrame:
    return evaluate_ranker(Oracle(share), domain(), train_mix=mix, seed=0).metrics


def test_a_figure_that_two_evaluations_hold_is_there_once_and_from_the_first() -> None:
    own, again, abroad = _figures(1, "toy"), _figures(0, "toy"), _figures(0.5, "else")
    together = distinct_figures([own, again, abroad])
    assert together.equals(pl.concat([own, abroad]))  # nothing is tested without a baseline
    assert not together.select(KEY).is_duplicated().any()


def test_nothing_evaluated_is_an_empty_table() -> None:
    assert distinct_figures([]).is_empty()


def test_a_table_from_before_the_correction_is_corrected_with_the_others() -> None:
    one = _figures(1, "toy").with_columns(p_value_vs_best_baseline=pl.lit(0.02))
    old = _figures(0.5, "else").with_columns(p_value_vs_best_baseline=pl.lit(0.03)).drop("p_value_holm")
    together = distinct_figures([one, old])
    tested = together.filter(pl.col("p_value_holm").is_not_null())
    assert tested.select("train_mix", "slice", "metric", "k", "p_value_holm").rows() == [
        ("toy", "all", "NDCG", 10, 0.04),
        ("else", "all", "NDCG", 10, 0.04),
    ]


def test_families_are_corrected_apart() -> None:
    one, other = (
        _figures(1, "toy").with_columns(p_value_vs_best_baseline=pl.lit(0.02), dataset=pl.lit(name))
        for name in ("films", "books")
    )
    assert set(distinct_figures([one, other])["p_value_holm"].drop_nulls()) == {0.02}


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_rule_rejects(p_values: list[float]) -> None:
    """Holm's own wording: go up the ordered p-values, stop at the first above level / (what is left)."""
    corrected = holm(np.array(p_values))
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for step, place in enumerate(np.argsort(p_values, kind="stable")):
            if p_values[place] > level / (len(p_values) - step):
                break
            rejected.add(int(place))
        margin = np.abs(corrected - level) < 1e-9
        assert {int(n) for n in np.flatnonzero((corrected <= level) & ~margin)} == {
            n for n in rejected if not margin[n]
        }
    assert (corrected >= np.array(p_values) - 1e-12).all()
    assert (corrected <= 1).all()

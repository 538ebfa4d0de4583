import polars as pl

from pulse_pipeline.evaluation.evaluate import evaluate_ranker
from pulse_pipeline.evaluation.figures import KEY, distinct_figures
from tests.evaluation.test_evaluate import Oracle, domain


def _figures(share: float, mix: str) -> pl.DataFrame:
    return evaluate_ranker(Oracle(share), domain(), train_mix=mix, seed=0).metrics


def test_a_figure_that_two_evaluations_hold_is_there_once_and_from_the_first() -> None:
    own, again, abroad = _figures(1, "toy"), _figures(0, "toy"), _figures(0.5, "else")
    together = distinct_figures([own, again, abroad])
    assert together.equals(pl.concat([own, abroad]))
    assert not together.select(KEY).is_duplicated().any()


def test_nothing_evaluated_is_an_empty_table() -> None:
    assert distinct_figures([]).is_empty()

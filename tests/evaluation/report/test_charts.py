"""Charts: drawn without a browser, escaped, legible; layouts repeat themselves and keep distances."""

import numpy as np
import polars as pl
import pytest

from pulse_pipeline.evaluation.ablations.arms import ARMS
from pulse_pipeline.evaluation.report import tastes
from pulse_pipeline.evaluation.report.charts import (
    forest,
    heat_map,
    layouts,
    quality_cost,
    slice_plot,
    thought_map,
    to_png,
    to_svg,
    training_curve,
)
from pulse_pipeline.evaluation.report.charts.forest import figure
from pulse_pipeline.evaluation.report.charts.places import place
from pulse_pipeline.evaluation.report.inputs import ThoughtMap
from pulse_pipeline.evaluation.report.plots import plots
from pulse_pipeline.evaluation.report.projection import aligned, project, subsample
from pulse_pipeline.evaluation.report.views.costs import cost_points
from pulse_pipeline.evaluation.report.views.slices import slices
from pulse_pipeline.evaluation.report.views.transfer import transfer_matrix
from tests.evaluation.report.world import HOSTILE, MIXES, report

PHONE = 345


def widths(svg: str) -> float:
    return float(svg.split('width="')[1].split('"', maxsplit=1)[0])


def test_every_chart_fits_a_phone() -> None:
    inputs = report()
    cells = transfer_matrix(inputs, "loo")
    epochs = inputs.training
    assert epochs is not None
    charts = [
        heat_map(cells, "ndcg", list(MIXES), ["films", "books"], narrow=True),
        forest([("no rationales, at serving", inputs.differences[0])], narrow=True),
        quality_cost(cost_points(inputs, "loo", inputs.domains[0]), "milliseconds", narrow=True),
        slice_plot(slices(inputs, "loo")[0], narrow=True),
        training_curve(epochs, "loss", "loss", narrow=True),
    ]
    assert all(0 < widths(to_svg(chart)) <= PHONE for chart in charts)


@pytest.mark.parametrize("name", ARMS)
def test_a_long_name_does_not_cost_its_figure(name: str) -> None:
    row = report().differences[0]
    assert figure(row.difference.value) in to_svg(forest([(f"{name}, at serving", row)], narrow=True))


def test_the_plots_for_dagster_and_mlflow_are_pictures() -> None:
    made = plots(report())
    of_protocol = {"transfer_loo", "forest_loo", "quality_cost_loo", "slices_loo"}
    assert set(made) == {*of_protocol, "thought_space_domain", "thought_space_taste"}
    assert all(png.startswith(b"\x89PNG") for png in made.values())


def test_there_is_a_plot_for_each_protocol_and_none_without_material() -> None:
    loo = report().metrics
    both = pl.concat([loo, loo.with_columns(protocol=pl.lit("temporal"))])
    assert set(plots(report(metrics=both, thoughts=None, differences=[]))) == {
        f"{name}_{protocol}"
        for name in ("transfer", "quality_cost", "slices")
        for protocol in ("loo", "temporal")
    }


def test_a_ratio_is_drawn_around_one() -> None:
    cells = transfer_matrix(report(), "loo")
    assert len(to_png(heat_map(cells, "ratio", list(MIXES), ["films", "books"]))) > 3000


def test_what_costs_nothing_stands_at_none() -> None:
    inputs = report()
    svg = to_svg(quality_cost(cost_points(inputs, "loo", inputs.domains[0]), "tokens"))
    assert ">none</text>" in svg
    assert ">PULSE</text>" in svg


def test_hostile_names_in_a_chart_are_escaped() -> None:
    epochs = pl.DataFrame({"mix": [HOSTILE] * 2, "epoch": [0, 1], "loss": [2.0, 1.0]})
    svg = to_svg(training_curve(epochs, "loss", "loss"))
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg


def test_map_shows_both_kinds_and_every_domain() -> None:
    thoughts = report().thoughts
    assert thoughts is not None
    before, after = layouts(thoughts, "pca")
    assert (before.title, after.title) == ("before training", "after training")
    svg = to_svg(thought_map(after, "domain", ["films", "books"], legend=True))
    assert all(f">{word}</text>" in svg for word in ("item", "thought", "films", "books"))
    assert "<text" not in to_svg(thought_map(after, "domain", ["films", "books"]))


def test_without_an_untrained_space_there_is_one_map() -> None:
    thoughts = report().thoughts
    assert thoughts is not None
    [only] = layouts(ThoughtMap(thoughts.trained, None, thoughts.labels), "pca")
    assert only.title == "after training"


def test_alignment_turns_and_mirrors_and_keeps_distances() -> None:
    points = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    turned = points[:, ::-1] @ np.array([[0.6, 0.8], [-0.8, 0.6]])
    moved = aligned(turned.astype(np.float32) + 5, points)
    assert np.allclose(moved, points - points.mean(axis=0), atol=1e-5)
    assert aligned(points[:0], points[:0]).shape == (0, 2)


def test_labels_keep_off_each_other_and_the_hopeless_are_left_out() -> None:
    points = [(100.0, 100.0), (104.0, 100.0), (300.0, 50.0)]
    places = place(points, ["SASRec", "EASE", "PULSE"], 12, 400, 200)
    assert None not in places
    tops = [found[1] for found in places if found]
    lefts = [found[0] for found in places if found]
    assert abs(tops[0] - tops[1]) >= 8 or abs(lefts[0] - lefts[1]) >= 30
    crowd = [(50.0, 50.0)] * 30
    placed = place(crowd, ["a long name"] * 30, 12, 100, 100)
    assert placed[0] is not None
    assert None in placed


def test_tastes_follow_thoughts_and_are_named_by_what_sets_their_items_apart() -> None:
    generator = np.random.default_rng(0)
    centres = np.eye(2, 8, dtype=np.float32)
    thoughts = np.repeat(centres, 20, axis=0) + 0.05 * generator.normal(size=(40, 8)).astype(np.float32)
    items = np.repeat(centres, 5, axis=0)
    texts = ["the winter opera"] * 5 + ["the summer opera"] * 5
    groups = tastes.tastes(thoughts, items, texts)
    assert groups is not None
    named = tastes.names(groups[40:], texts)
    assert {named[int(groups[40])], named[int(groups[49])]} == {"winter", "summer"}
    assert groups[0] == groups[40]
    assert tastes.tastes(thoughts[:5], items, texts) is None


def test_projection_keeps_groups_apart_and_repeats_itself() -> None:
    generator = np.random.default_rng(0)
    centres = np.eye(2, 16) * 10
    points = np.concatenate([centre + generator.normal(size=(30, 16)) for centre in centres]).astype(
        np.float32
    )
    for method in ("pca", "tsne"):
        plane = project(points, method, seed=1)  # type: ignore[arg-type]
        assert plane.shape == (60, 2)
        gap = np.linalg.norm(plane[:30].mean(axis=0) - plane[30:].mean(axis=0))
        assert gap > 2 * np.linalg.norm(plane[:30] - plane[:30].mean(axis=0), axis=1).mean()
        assert np.array_equal(plane, project(points, method, seed=1))  # type: ignore[arg-type]


def test_points_in_one_place_are_drawn_in_one_place() -> None:
    """Scikit-learn's t-SNE ends the process there."""
    assert project(np.ones((60, 4), dtype=np.float32)) == pytest.approx(0, abs=1e-6)
    few_places = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)
    assert len(np.unique(project(few_places).round(4), axis=0)) == 3


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_projection_of_few_points(n: int) -> None:
    assert project(np.ones((n, 4), dtype=np.float32)).shape == (n, 2)


def test_subsample_lets_no_group_crowd_out_another() -> None:
    groups = ["large"] * 1000 + ["small"] * 10 + ["middle"] * 100
    kept = subsample(groups, most=90)
    counts = {name: sum(groups[place] == name for place in kept) for name in set(groups)}
    assert counts == {"small": 10, "large": 40, "middle": 40}
    assert subsample(groups, most=90, seed=0).tolist() == kept.tolist()
    assert len(subsample(["a"] * 5)) == 5

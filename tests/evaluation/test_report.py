"""The page: self-contained, escaped, labelled, and right about who is best."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pulse_pipeline.evaluation.bootstrap import Difference
from pulse_pipeline.evaluation.report import tables
from pulse_pipeline.evaluation.report.charts import heat_map, thought_map, to_png, to_svg, training_curve
from pulse_pipeline.evaluation.report.inputs import (
    DifferenceRow,
    DomainFacts,
    Recommended,
    ReportInputs,
    SampleUser,
    ThoughtMap,
)
from pulse_pipeline.evaluation.report.page import render, write_report
from pulse_pipeline.evaluation.report.projection import project, subsample

HOSTILE = "<script>alert('x')</script><img src=//evil.example/a onerror=alert(1)>\"'&"
MIXES = {"films": ["films"], "books": ["books"], "all": ["films", "books"], "all-but-films": ["books"]}


def row(model: str, dataset: str, mix: str | None, value: float, **other: object) -> dict[str, object]:
    figure = {"arm": "pulse", "model": model, "dataset": dataset, "train_mix": mix, "protocol": "loo"}
    figure |= {"candidates": "full", "slice": "all", "metric": "NDCG", "k": 10, "value": value, "seed": 0}
    figure |= {
        "ci_low": value - 0.01,
        "ci_high": value + 0.01,
        "n_users": 77,
        "p_value_vs_best_baseline": None,
    }
    return figure | other


def report(**changes: object) -> ReportInputs:
    rows = [
        row("pulse", "films", "films", 0.2),
        row("pulse", "films", "all-but-films", 0.09),
        row("pulse", "films", "books", 0.08),
        row("popularity", "films", "films", 0.05),
        row("text-kNN centred", "films", None, 0.1),
        row("pulse", "books", "books", 0.03),
        row("popularity", "books", "books", 0.06),
    ]
    rows += [one | {"metric": "HR", "value": float(str(one["value"])) * 2} for one in rows]
    rows += [
        row("pulse", "films", "films", 0.9, slice="target:head"),
        row("pulse", "films", "films", 0.8, k=20),
    ]
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    labels = pl.DataFrame({"domain": ["films"] * 20 + ["books"] * 20, "kind": ["item", "thought"] * 20})
    full = ReportInputs(
        metrics=pl.DataFrame(rows, infer_schema_length=None),
        domains=[
            DomainFacts("films", 100, 50, 900, synthetic=True),
            DomainFacts("books", 90, 40, 800, note=HOSTILE),
        ],
        mixes=MIXES,
        differences=[
            DifferenceRow("films", "loo", "pulse minus no rationale", Difference(0.0123, -0.001, 0.02, 0.07))
        ],
        training=pl.DataFrame(
            {"mix": ["all", "all"], "epoch": [0, 1], "loss": [2.0, 1.0], "valid_ndcg": [None, 0.1]}
        ),
        thoughts=ThoughtMap(vectors, labels),
        samples=[
            SampleUser(
                "films", HOSTILE, [HOSTILE], HOSTILE, [Recommended(HOSTILE, 0.5, hit=True)], "all-but-films"
            )
        ],
        provenance={HOSTILE: HOSTILE},
    )
    return replace(full, **changes)  # type: ignore[arg-type]


class Elements(HTMLParser):
    """Collects tags and attributes as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.fixture(scope="module")
def page() -> str:
    return render(report())


def test_page_is_one_file_that_asks_for_nothing(page: str) -> None:
    found = Elements(page)
    assert not {"script", "link", "iframe", "object", "embed"} & set(found.tags)
    sources = [value or "" for name, value in found.attributes if name in {"src", "href", "srcset", "data"}]
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "@import" not in page
    assert "url(" not in page
    assert '<meta name="viewport" content="width=device-width' in page


def test_hostile_text_stays_text(page: str) -> None:
    found = Elements(page)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") == 7


def test_synthetic_and_zero_shot_are_said(page: str) -> None:
    assert "<strong>Synthetic data.</strong> films:" in page
    assert (
        page.count('<span class="chip synthetic">synthetic</span>') == 4
    )  # facts, table, difference, sample
    assert page.count('<span class="chip zero">zero-shot</span>') == 2  # table row and sample
    real = render(
        report(domains=[DomainFacts("films", 1, 1, 1), DomainFacts("books", 1, 1, 1)], thoughts=None)
    )
    assert "ynthetic</" not in real


def test_headline_holds_the_right_rows_best_first() -> None:
    films, books = tables.headlines(report(), "loo")
    assert [(one.model, one.trained_on, one.zero_shot) for one in films.rows] == [
        ("pulse", "trained on films", False),
        ("text-kNN centred", "reads item texts, learns nothing", False),
        ("pulse", "trained on all-but-films", True),
        ("popularity", "trained on films", False),
    ]
    assert [one.figures[0].best for one in films.rows] == [True, False, False, False]
    assert [one.model for one in books.rows] == ["popularity", "pulse"]
    assert (films.users, films.rows[0].figures[0].value) == (77, 0.2)


def test_best_figures_are_bold(page: str) -> None:
    assert "<strong>0.2000</strong>" in page
    assert "<strong>0.0600</strong>" in page
    assert "<strong>0.0500</strong>" not in page


def test_seeds_are_averaged_and_counted() -> None:
    metrics = pl.DataFrame(
        [
            row("pulse", "films", "films", value, seed=seed, metric=metric)
            for metric in ("NDCG", "HR")
            for seed, value in enumerate([0.1, 0.2, 0.3])
        ],
        infer_schema_length=None,
    )
    [films] = tables.headlines(report(metrics=metrics), "loo")
    assert films.rows[0].seeds == 3
    assert films.rows[0].figures[0].value == pytest.approx(0.2)


def test_a_difference_whose_interval_holds_zero_is_not_bold(page: str) -> None:
    assert "+0.0123" in page
    assert "<strong>+0.0123</strong>" not in page
    assert "\N{MINUS SIGN}0.0010 to +0.0200" in page


def test_transfer_matrix_marks_zero_shot_and_names_its_reference() -> None:
    cells = {
        (cell["source"], cell["target"]): cell for cell in tables.transfer_matrix(report(), "loo").to_dicts()
    }
    assert {place for place, cell in cells.items() if cell["zero_shot"]} == {
        ("all-but-films", "films"),
        ("books", "films"),
    }
    assert cells["films", "films"]["ratio"] == pytest.approx(2.0)
    assert cells["films", "films"]["reference"] == "text-kNN centred"
    assert cells["books", "books"]["ratio"] == pytest.approx(0.5)
    assert cells["books", "books"]["reference"] == "popularity"


def test_sections_without_material_are_left_out() -> None:
    bare = render(report(differences=[], training=None, thoughts=None, samples=[], provenance={}))
    headings = re.findall(r"<h2>(.*?)</h2>", bare)
    assert headings == ["Leave-one-out: models", "Leave-one-out: transfer"]
    assert "Global temporal" not in bare


def test_charts_in_the_page_are_whole_pictures(page: str) -> None:
    pictures = [base64.b64decode(one).decode() for one in re.findall(r"base64,([^\"]+)", page)]
    assert len(pictures) == 5  # two heat maps, the map of the space, two curves
    assert all(one.startswith("<svg") and one.rstrip().endswith("</svg>") for one in pictures)
    assert "0.200" in pictures[0]
    assert "all-but-films" in pictures[0]


def test_charts_become_png() -> None:
    cells = tables.transfer_matrix(report(), "loo")
    png = to_png(heat_map(cells, "ratio", list(MIXES), ["films", "books"]))
    assert png.startswith(b"\x89PNG")
    assert len(png) > 5000


def test_hostile_names_in_a_chart_are_escaped() -> None:
    epochs = pl.DataFrame({"mix": [HOSTILE] * 2, "epoch": [0, 1], "loss": [2.0, 1.0]})
    svg = to_svg(training_curve(epochs, "loss", "loss"))
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg


def test_map_shows_both_kinds_and_every_domain() -> None:
    thoughts = report().thoughts
    assert thoughts is not None
    svg = to_svg(thought_map(thoughts, "pca"))
    assert all(f">{word}</text>" in svg for word in ("item", "thought", "films", "books"))


def test_report_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "report" / "index.html"
    write_report(report(thoughts=None), path)
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [one.name for one in path.parent.iterdir()] == ["index.html"]


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

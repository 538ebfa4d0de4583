import json

import numpy as np
import pytest

from benchmarks.prompt_templates import TEMPLATES
from benchmarks.prompts import Bench, copied_share, expected_rank, keep
from benchmarks.prompts_page import merits, page
from pulse_pipeline.rationales.parsing import parse
from pulse_pipeline.rationales.spec import ModelRef


def test_every_template_is_a_spec_of_its_own_with_room_for_its_longest_answer(tmp_path):
    bench = Bench(ModelRef(), 10, 160, tmp_path)
    specs = [bench.spec(template) for template in TEMPLATES.values()]
    assert len({spec.fingerprint() for spec in specs}) == len(TEMPLATES) >= 4
    assert all(spec.sampling.max_tokens >= 0.4 * spec.sampling.max_characters for spec in specs)
    assert specs[0].sampling.max_tokens == 64  # the current default, as it is


def test_the_worked_example_is_itself_a_valid_answer():
    answer = next(line for line in TEMPLATES["example"].text.splitlines() if line.startswith("{"))
    assert parse(answer, True, []).reject_reason is None


@pytest.mark.parametrize(
    ("scores", "own", "expected"),
    [
        ([0.1, 0.9, 0.5], 1, (1.0, 1.0)),
        ([0.1, 0.9, 0.5], 0, (1 / 3, 0.0)),
        ([0.5, 0.5, 0.1], 0, (0.75, 0.5)),  # equals cannot be told apart: the mean of both places
        ([0.0, 0.0, 0.0, 0.0], 2, ((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 0.25)),
    ],
)
def test_the_rank_is_the_expected_one(scores, own, expected):
    assert expected_rank(np.array(scores), own) == pytest.approx(expected)


def test_chance_among_a_hundred_is_what_the_page_says():
    chance = np.mean(
        [expected_rank(np.random.default_rng(seed).normal(size=100), 7) for seed in range(4000)], axis=0
    )
    assert chance == pytest.approx([0.052, 0.010], abs=0.006)


@pytest.mark.parametrize(
    ("rationale", "share"),
    [
        ("blue gel pens that never smear", 0.0),
        ("They want: Zibro Gel Pens, Blue, Pack", 5 / 7),
        ("Zibro gel pens blue", 0.0),  # a name is no copy
        ("", 0.0),
    ],
)
def test_a_copy_is_a_run_of_words(rationale, share):
    assert copied_share(rationale, '- "Zibro Gel Pens, Blue, Pack of 12", rated 5') == pytest.approx(share)


def _row(template, dataset, worth, speed=1.0):
    figures = ("valid", "named", "named_by_chance", "invented", "grounded", "copied", "mrr", "recall_at_1")
    sizes = ("words", "prompt_tokens", "completion_tokens")
    return {
        **dict.fromkeys(figures, 0.5),
        **dict.fromkeys(sizes, 20),
        "model": "M",
        "characters": 160,
        "template": template,
        "dataset": dataset,
        "idea": "some idea",
        "prompt": f"{template} {{history}}",
        "users": len(worth),
        "worth": float(np.mean(worth)),
        "worth_of_users": worth,
        "rationales_per_second": speed,
        "machine": "2 cores",
        "measured_at": "2026-01-01",
        "git_sha": "abc",
    }


ROWS = [
    _row("current", "A", [0.1] * 20),
    _row("current", "B", [0.2] * 20),
    _row("wants", "A", [0.4] * 20),
    _row("wants", "B", [0.3] * 20),
    _row("half measured", "A", [1.0] * 20),
]


def test_the_best_on_all_data_sets_wins():
    best, second = merits(ROWS)
    assert (best["template"], second["template"]) == ("wants", "current")
    assert best["worth"] == pytest.approx(0.35)
    assert best["against"].value == pytest.approx(0.2)
    assert second["against"] is None


def test_the_page_names_the_winner_and_shows_every_figure():
    text = page(ROWS)
    assert "The winner is `wants`" in text
    assert "beyond what chance gives" in text
    assert text.count("| half measured |") == 1


def test_a_row_is_renewed_and_a_measured_speed_outlasts_a_look_up(tmp_path):
    out = tmp_path / "out.json"
    keep(_row("current", "A", [0.1], speed=3.0), out)
    keep(_row("current", "B", [0.1]), out)
    keep(_row("current", "A", [0.9], speed=None), out)
    rows = json.loads(out.read_text())
    assert [(row["dataset"], row["worth"], row["rationales_per_second"]) for row in rows] == [
        ("B", 0.1, 1.0),
        ("A", 0.9, 3.0),
    ]

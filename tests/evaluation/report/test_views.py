"""Rows of the metrics table as the sections show them."""

import pytest

from pulse_pipeline.evaluation.report.differences import difference_rows
from pulse_pipeline.evaluation.report.views import ablations, answer, costs, newcomers, sampled, slices
from pulse_pipeline.evaluation.report.views.headline import headlines
from pulse_pipeline.evaluation.report.views.metrics import best_baselines
from pulse_pipeline.evaluation.report.views.transfer import transfer_matrix
from tests.evaluation.report.world import difference, frame, full_ranking, report, row

NONE, SHUFFLED = "PULSE, no rationales", "PULSE, shuffled rationales"


def test_headline_holds_the_right_rows_best_first() -> None:
    films, books = headlines(report(), "loo")
    assert [(one.model, one.trained_on, one.zero_shot) for one in films.rows] == [
        ("PULSE", "trained on films", False),
        ("text-kNN centred", "reads item texts, learns nothing", False),
        ("PULSE", "trained on all-but-films", True),
        ("popularity", "trained on films", False),
    ]
    assert [one.figures[0].best for one in films.rows] == [True, False, False, False]
    assert [one.best_baseline for one in films.rows] == [False, True, False, False]
    assert [one.model for one in books.rows] == ["popularity", "PULSE"]
    assert (films.users, films.rows[0].figures[0].value) == (77, 0.2)


def test_the_tail_is_folded_but_never_our_model() -> None:
    rows = [row(f"baseline {n}", "films", "films", 0.5 + n / 100) for n in range(12)]
    [films] = headlines(report(metrics=frame([*rows, row("PULSE", "films", "films", 0.1)])), "loo")
    assert [one.model for one in films.rows] == [*(f"baseline {n}" for n in range(11, 3, -1)), "PULSE"]
    assert [one.model for one in films.folded] == [f"baseline {n}" for n in range(3, -1, -1)]


def test_seeds_are_averaged_counted_and_their_span_told() -> None:
    rows = [
        row("PULSE", "films", "films", value, seed=seed, metric=metric, p_value_vs_best_baseline=value)
        for metric in ("NDCG", "HR")
        for seed, value in enumerate([0.1, 0.2, 0.3])
    ]
    [films] = headlines(report(metrics=frame(rows)), "loo")
    ndcg = films.rows[0].figures[0]
    assert films.rows[0].seeds == 3
    assert ndcg.value == pytest.approx(0.2)
    assert (ndcg.lowest, ndcg.highest, films.rows[0].p_value) == (0.1, 0.3, 0.3)

    together = row("PULSE", "films", "films", 0.2, metric="NDCG mean of seeds", ci_low=0.15, ci_high=0.25)
    together |= {"p_value_vs_best_baseline": 0.04}
    [films] = headlines(report(metrics=frame([*rows, together])), "loo")
    ndcg = films.rows[0].figures[0]
    assert (ndcg.low, ndcg.high, films.rows[0].p_value, films.rows[0].seeds) == (0.15, 0.25, 0.04, 3)


def test_transfer_matrix_marks_zero_shot_and_names_its_reference() -> None:
    cells = {(cell["source"], cell["target"]): cell for cell in transfer_matrix(report(), "loo").to_dicts()}
    assert {place for place, cell in cells.items() if cell["zero_shot"]} == {
        ("all-but-films", "films"),
        ("books", "films"),
    }
    assert cells["films", "films"]["ratio"] == pytest.approx(2.0)
    assert cells["films", "films"]["reference"] == "text-kNN centred"
    assert cells["books", "books"]["ratio"] == pytest.approx(0.5)
    assert cells["books", "books"]["reference"] == "popularity"
    assert ("all-but-films+10%", "films") not in cells


@pytest.mark.parametrize(
    ("silent", "strangers", "case"),
    [
        ((0.01, 0.03), (0.01, 0.02), "help"),
        ((0.01, 0.03), None, "help"),
        ((0.01, 0.03), (-0.01, 0.02), "open"),
        ((-0.01, 0.03), (0.01, 0.02), "open"),
        ((-0.01, 0.03), None, "open"),
        ((0.0, 0.0), (0.0, 0.0), "open"),
        ((-0.03, -0.01), (0.01, 0.02), "hurt"),
    ],
)
def test_rationales_help_only_where_both_differences_exclude_zero(
    silent: tuple[float, float], strangers: tuple[float, float] | None, case: str
) -> None:
    rows = [difference(NONE, sum(silent) / 2, *silent)]
    if strangers:
        rows.append(difference(SHUFFLED, sum(strangers) / 2, *strangers))
    [verdict] = answer.verdicts(report(differences=rows))
    assert verdict.case == case


def test_the_answer_in_words_counts_domains() -> None:
    def told(*intervals: tuple[str, float, float]) -> str:
        rows = [difference(NONE, (low + high) / 2, low, high, dataset=name) for name, low, high in intervals]
        return answer.summary(answer.verdicts(report(differences=rows)))

    assert told(("films", 0.01, 0.02), ("books", 0.01, 0.02)) == "Yes, in all 2 domains."
    assert told(("films", -0.02, -0.01)) == "No, they hurt in the one domain here."
    assert told(("films", -0.02, 0.01)) == "There is no evidence that they do in the one domain here."
    assert told(("films", -0.02, -0.01), ("books", -0.01, 0.02)) == (
        "Of 2 domains, in 1 they hurt, in 1 there is no evidence either way."
    )


def test_a_model_trained_without_rationales_decides_before_one_that_is_refused_them() -> None:
    rows = [
        difference(NONE, 0.02, 0.01, 0.03),
        difference("no rationales", 0.0, -0.01, 0.01, retrained=True),
        difference(NONE, 0.02, 0.01, 0.03, protocol="temporal"),
    ]
    found = answer.verdicts(report(differences=rows))
    assert [(one.protocol, one.silent.retrained) for one in found] == [
        ("temporal", False),
        ("loo", True),
        ("loo", False),
    ]
    assert [one.protocol for one in answer.deciding(found)] == ["temporal"]


def test_rationales_that_are_not_served_are_told_apart_from_those_that_change_nothing() -> None:
    rows = [
        difference(NONE, 0.0, 0.0, 0.0),
        difference(NONE, 0.0, 0.0, 0.0, protocol="temporal"),
        difference("rationales in full", 0.01, -0.01, 0.03),
    ]
    temporal, loo = answer.verdicts(report(differences=rows))
    assert loo.held_back
    assert not temporal.held_back
    assert loo.in_full == rows[2]
    assert temporal.in_full is None
    assert loo.case == temporal.case == "open"


def test_differences_are_read_from_the_table_all_users_first() -> None:
    shared = {"metric": "NDCG difference", "p_value_vs_best_baseline": 0.2}
    hits = shared | {"metric": "HR difference", "k": 1}
    rows = [
        row("PULSE - PULSE, no rationales", "films", "films", 0.02, slice="rationale:yes", **shared),
        row("PULSE - no attention", "films", "films", 0.4, slice="rationale:yes", arm="ablation", **shared),
        row("PULSE - no attention", "films", "films", 0.3, slice="all", arm="ablation", **shared),
        row("PULSE - no attention", "films", "films", 0.9, slice="target:head", arm="ablation", **shared),
        row("LoRA - silent", "films", "films", 0.1, candidates="5", **hits),
    ]
    found = difference_rows(frame([*full_ranking(), *rows]))
    assert [(one.against, one.difference.value, one.retrained, one.metric) for one in found] == [
        ("PULSE, no rationales", 0.02, False, "NDCG@10"),
        ("no attention", 0.3, True, "NDCG@10"),
        ("silent", 0.1, False, "HR@1"),
    ]
    [forest] = ablations.forests(report(differences=found), "loo")
    assert [ablations.part(report(), one) for one in forest.rows] == [
        "no attention",
        "no rationales, at serving",
    ]


def test_costs_count_tokens_of_those_who_read_and_time_of_one_user() -> None:
    inputs = report(readers=frozenset({"popularity"}))
    points = {one.model: one for one in costs.cost_points(inputs, "loo", inputs.domains[0])}
    assert {name: one.tokens for name, one in points.items()} == {
        "PULSE": 640.0,
        "popularity": 640.0,
        "text-kNN centred": 0.0,
    }
    assert points["PULSE"].milliseconds == pytest.approx(10.0)
    assert costs.unbeaten(list(points.values()), "tokens") == {"PULSE", "text-kNN centred"}


def test_slices_compare_with_the_best_baseline_and_leave_arrivals_out() -> None:
    assert best_baselines(report(), "loo") == {"films": "text-kNN centred", "books": "popularity"}
    [films] = slices.slices(report(), "loo")
    assert films.models == ["PULSE", "text-kNN centred"]
    assert set(films.rows["slice"]) == {"all", "target:head"}
    assert slices.spoken("history:1-3") == "1 to 3 known items"
    assert slices.spoken("some:new_group") == "some new group"


def test_candidates_are_ordered_by_their_number() -> None:
    [films] = sampled.sampled(report(), "loo")
    assert films.sizes == [20, 5]
    shares = {row.model: [one and one.value for one in row.shares] for row in films.rows}
    assert shares == {"PULSE": [0.7, None], "popularity": [None, 0.4]}
    assert {row.about for row in films.rows} == {""}


def test_what_the_faithful_arm_learned_elsewhere_stands_by_itself() -> None:
    chosen = {"arm": "faithful", "candidates": "5", "metric": "HR", "k": 1, "n_users": 40}
    mixes = {"films": 0.3, "all": 0.2, "all-but-films": 0.1}
    rows = [row("LoRA reasoner", "films", mix, value, **chosen) for mix, value in mixes.items()]
    untuned = row("untuned LM", "films", None, 0.05, **chosen)
    [films] = sampled.sampled(report(metrics=frame([*rows, untuned])), "loo")
    assert [(one.about, one.shares[0] and one.shares[0].value) for one in films.rows] == [
        *((f"as published, trained on {mix}; 40 users", value) for mix, value in mixes.items()),
        ("as published; 40 users", 0.05),
    ]


def test_newcomers_are_told_apart_from_the_registry_s_mixes() -> None:
    [few] = newcomers.few_shot(report(), "loo")
    assert [(one.model, one.learned_from) for one in few.rows] == [("PULSE", "all-but-films+10%")]
    [arrived] = newcomers.arrivals(report(), "loo")
    assert (arrived.who, arrived.rows[0].value) == ("people who come from books", 0.12)

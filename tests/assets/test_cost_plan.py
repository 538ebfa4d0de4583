"""What a run would do and cost, told before anything is spent."""

import polars as pl
import pytest

from assets.project import Project
from pulse_pipeline.commands.plan import as_table, expected_attempts, plan
from pulse_pipeline.definitions import build_defs
from pulse_pipeline.domains import DEMO_RATIONALE_USERS, demo_registry
from pulse_pipeline.settings import Settings
from tests.assets.whole import PROJECT, rendered


def _steps(project):
    return {
        step.asset: step for step in plan(project, None, ["Demo_Books"]) if step.partition == "Demo_Books"
    }


def test_a_prompt_edit_makes_only_the_rationales_stale(inside):
    edited = PROJECT.settings.model_copy(
        update={"rationales": PROJECT.settings.rationales.model_copy(update={"foresight": "Why? {history}"})}
    )
    before = build_defs(registry=PROJECT.registry, settings=PROJECT.settings)
    after = build_defs(registry=PROJECT.registry, settings=edited)
    old, new = (
        {spec.key: spec.code_version for spec in defs.resolve_all_asset_specs()} for defs in (before, after)
    )
    changed = {key.to_user_string() for key in old if old[key] != new[key]}
    assert changed == {"rationales"}


def test_the_plan_says_what_a_prompt_edit_costs_before_it_is_spent(inside):
    steps = _steps(PROJECT)
    # What was written about items came after all else: their vectors have not read it yet.
    assert steps["item_embeddings"].reason == "item_rationales[Demo_Books] is new"
    untouched = (
        "raw_interactions",
        "interactions",
        "items",
        "rationales",
        "rationale_embeddings",
        "candidates",
    )
    assert {steps[name].reason for name in untouched} == {""}
    assert steps["rationales"].cost.prompts == 0
    assert "item_rationales" not in steps

    settings = PROJECT.settings.model_dump()
    settings["rationales"]["foresight"] = "Why? {history}"
    edited = Project(PROJECT.registry, Settings.model_validate(settings))
    after = _steps(edited)
    assert after["rationales"].reason == "its settings changed"
    foresight = pl.read_parquet(inside.storage / "rationales" / "Demo_Books.parquet").filter(kind="foresight")
    assert 0 < after["rationales"].cost.prompts <= len(foresight)
    assert after["rationales"].cost.tokens > 10 * after["rationales"].cost.prompts
    assert after["rationales"].cost.seconds > 0
    assert after["items"].reason == ""
    assert after["rationale_embeddings"].reason == "rationales[Demo_Books] comes first"
    assert "Demo_Books" in rendered(as_table(list(after.values())))


def test_a_prompt_costs_as_many_answers_as_are_rejected_before_one_is_kept():
    assert expected_attempts(0.0, 5) == 1
    assert expected_attempts(0.25, 1) == 1
    assert expected_attempts(0.25, 3) == pytest.approx(1 + 0.25 + 0.0625)
    assert expected_attempts(1.0, 3) == 3


def test_the_plan_counts_thoughts_and_arrivals(inside):
    chosen = "refined_rationales,bridging_rationales"
    known = {step.asset: step for step in plan(PROJECT, chosen, ["Demo_Books"])}
    assert {step.cost.prompts for step in known.values()} == {0}
    other = Settings.model_validate({"rationales": {"system": "You are brief."}})
    project = Project(demo_registry(), other)
    new = {step.asset: step for step in plan(project, chosen, ["Demo_Books"])}
    shape = other.rationales.refinement.shape
    assert new["refined_rationales"].cost.prompts == DEMO_RATIONALE_USERS * shape.thoughts
    assert new["bridging_rationales"].cost.prompts > 0
    assert all(step.cost.tokens > step.cost.prompts for step in new.values())
    assert all(step.cost.seconds > 0 for step in new.values())


def test_the_plan_knows_no_pace_of_a_model_that_has_written_nothing_yet(inside):
    other = Settings.model_validate({"rationales": {"model": {"model": "some/lm", "revision": "0" * 40}}})
    steps = _steps(Project(demo_registry(), other))
    assert steps["rationales"].cost.prompts > 0
    assert steps["rationales"].cost.seconds is None

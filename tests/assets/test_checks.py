import dagster as dg
import polars as pl
import pytest

from assets.checks import WRITTEN, asset_checks
from assets.project import Project
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.domains import demo_registry
from pulse_pipeline.progress import LogListener
from pulse_pipeline.settings import Settings
from tests.assets.small_world import NAME, write_world


def _verdict(asset, name, table, **rationales):
    project = Project(demo_registry(), Settings.model_validate({"rationales": rationales}))
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    (found,) = [check for check in asset_checks(project) if check.check_key == key]
    return found(table)


def _rejecting(reason, share):
    n = int(100 * share)
    reasons = [reason] * n + [None] * (100 - n)
    return pl.DataFrame(
        {"reject_reason": reasons, "valid": [one is None for one in reasons]},
        schema_overrides={"reject_reason": pl.String},
    )


@pytest.mark.parametrize("asset", WRITTEN)
def test_a_reason_above_its_ceiling_blocks_and_is_named(asset):
    verdict = _verdict(asset, "few_are_rejected", _rejecting("refuses to answer", 0.06))
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.ERROR
    assert {name: value.value for name, value in verdict.metadata.items()} == {
        "refusal": 0.06,
        "refusal_ceiling": 0.05,
    }


def test_at_its_ceiling_a_reason_passes():
    assert _verdict("rationales", "few_are_rejected", _rejecting("refuses to answer", 0.05)).passed


def test_the_settings_move_a_ceiling():
    table = _rejecting("refuses to answer", 0.3)
    assert _verdict("rationales", "few_are_rejected", table, most_rejected={"refusal": 0.3}).passed


@pytest.mark.parametrize("name", ["few_are_rejected", "enough_are_valid"])
def test_nothing_to_write_is_nothing_rejected(name):
    assert _verdict("bridging_rationales", name, _rejecting("", 0).clear()).passed


def test_too_few_valid_ones_block():
    verdict = _verdict("rationales", "enough_are_valid", _rejecting("repeats the prompt", 0.41))
    assert not verdict.passed
    assert verdict.metadata["valid_rate"].value == 0.59


@pytest.mark.parametrize(
    ("inherited", "settings", "share"),
    [
        ([None, None], {}, 0.0),
        ([None, "another"], {"representatives": 0.5}, 0.5),
        ([None, None], {"foresight": "{history} Others chose: {neighbours}"}, 1.0),
    ],
)
def test_what_others_chose_is_told_where_figures_would_not_be_zero_shot(inherited, settings, share):
    table = pl.DataFrame({"inherited_from": inherited}, schema={"inherited_from": pl.String})
    verdict = _verdict("rationales", "each_is_of_its_own_history", table, **settings)
    assert verdict.passed == (share == 0)
    assert verdict.severity == dg.AssetCheckSeverity.WARN
    assert verdict.metadata["share_from_others"].value == share


def test_a_check_that_only_warns_is_told_on_the_command_line(tmp_path, monkeypatch):
    """A column named otherwise leaves a catalogue without texts, and what follows goes on without them."""
    registry = write_world(tmp_path)
    named_otherwise = pl.read_parquet(tmp_path / "items.parquet").rename({"title": "keywords"})
    named_otherwise.write_parquet(tmp_path / "items.parquet")
    monkeypatch.setenv("PULSE_HOME", str(tmp_path / "home"))
    told = []
    monkeypatch.setattr(LogListener, "told", lambda _, line: told.append(line))
    materialise(Project(registry, Settings()), "raw_interactions,interactions,items", [NAME])
    assert (
        f"Warning[{NAME}]: the check most_have_text of items failed: share_with_text 0.0, floor 0.5" in told
    )

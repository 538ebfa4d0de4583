"""What starts by itself: nothing until it is turned on, then only what is stale."""

import dagster as dg
import pytest

from pulse_pipeline.definitions import build_defs
from pulse_pipeline.domains import demo_registry
from pulse_pipeline.settings import Settings
from tests.resources.fakes import FakeLanguageModel, FakeTextEncoder

FAKES = {"language_model": FakeLanguageModel(), "text_encoder": FakeTextEncoder()}
DOMAIN = "Demo_Books"
EDITED = Settings.model_validate(
    {"rationales": {"foresight": "Why? {history}", "item": "What for? {item} {reviews}"}}
)


def _defs(settings):
    return build_defs(registry=demo_registry(), settings=settings, resource_overrides=FAKES)


def test_everything_that_spends_time_is_off():
    repository = _defs(Settings()).get_repository_def()
    assert {one.name: one.default_status.value for one in repository.schedule_defs} == {
        "weekly_rationales": "STOPPED"
    }
    assert {one.name: one.default_status.value for one in repository.sensor_defs} == {
        "rationales_on_changed_settings": "STOPPED"
    }


def test_the_weekly_schedule_asks_for_one_run_a_domain():
    repository = _defs(Settings()).get_repository_def()
    (schedule,) = repository.schedule_defs
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(instance=instance, repository_def=repository)
        requests = schedule.evaluate_tick(context).run_requests
    assert {request.partition_key for request in requests} == set(demo_registry().names)


@pytest.mark.timeout(240)
def test_a_prompt_edit_asks_for_the_rationales_once_and_for_nothing_else():
    before, after = _defs(Settings()), _defs(EDITED)
    written = [dg.AssetKey("rationales")]
    with dg.instance_for_test() as instance:
        job = before.resolve_implicit_global_asset_job_def()
        chain = ["raw_interactions", "interactions", "items", "rationales", "rationale_embeddings"]
        chain.append("item_rationales")
        selection = [dg.AssetKey(name) for name in chain]
        assert job.execute_in_process(
            instance=instance, partition_key=DOMAIN, asset_selection=selection
        ).success
        first = dg.evaluate_automation_conditions(before, instance=instance)
        assert first.get_num_requested(written[0]) == 0
        assert first.get_num_requested(dg.AssetKey("item_rationales")) == 0
        edited = dg.evaluate_automation_conditions(after, instance=instance, cursor=first.cursor)
        assert DOMAIN in edited.get_requested_partitions(written[0])
        # On demand: only where it was made before.
        assert edited.get_requested_partitions(dg.AssetKey("item_rationales")) == {DOMAIN}
        for name in ("items", "bridging_rationales", "refined_rationales"):
            assert edited.get_num_requested(dg.AssetKey(name)) == 0
        again = dg.evaluate_automation_conditions(after, instance=instance, cursor=edited.cursor)
        assert again.get_num_requested(written[0]) == 0


def test_a_freshness_policy_shows_in_the_ui():
    specs = {spec.key.to_user_string(): spec for spec in _defs(Settings()).resolve_all_asset_specs()}
    assert specs["rationales"].freshness_policy is not None

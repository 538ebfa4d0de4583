"""What an asset's code version holds: what decides its content, and nothing that does not."""

import pytest

from assets.checks import WRITTEN
from pulse_pipeline.definitions import build_defs
from pulse_pipeline.domains import demo_registry
from pulse_pipeline.settings import Settings


def versions(**settings):
    definitions = build_defs(registry=demo_registry(), settings=Settings.model_validate(settings))
    specs = definitions.resolve_all_asset_specs()
    return {spec.key.to_user_string(): spec.code_version for spec in specs}


DEFAULT = versions()


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        ({"reasoner": {"evaluated_history_items": 3}}, {"reasoner_evaluation"}),
        ({"reasoner": {"evaluation_users": 3}}, {"reasoner_evaluation"}),
        ({"reasoner": {"frozen_weights": "4-bit"}}, {"reasoner_model", "reasoner_evaluation"}),
        ({"published_neighbours": {"sasrec": {"epochs": 3}}}, {"published_neighbours"}),
        ({"published_space": {"epochs": 5}}, {"published_thought_space"}),
        ({"published_rationales": {"seed_sampling": {"top_p": 0.9}}}, {"published_seeds"}),
        ({"published_rationales": {"shape": {"depth": 2}}}, {"published_rationales"}),
        ({"published_rationales": {"thought_sampling": {"top_k": 9}}}, {"published_rationales"}),
        ({"rationales": {"masked": False}}, {"rationales"}),
        ({"rationales": {"refinement": {"scorer": "random"}}}, {"refined_rationales"}),
        ({"rationales": {"max_attempts": 3}}, set(WRITTEN)),
    ],
)
def test_a_setting_moves_the_versions_of_what_it_decides(settings, changed):
    now = versions(**settings)
    assert now.keys() == DEFAULT.keys()
    assert {name for name in DEFAULT if now[name] != DEFAULT[name]} == changed

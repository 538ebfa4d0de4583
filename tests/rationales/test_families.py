import pytest

from pulse_pipeline.rationales.families import FAMILIES, family_of
from pulse_pipeline.rationales.spec import RationaleSettings

QWEN = {"model": "Qwen/Qwen2.5-Coder-1.5B-Instruct", "revision": "0" * 40}


@pytest.mark.parametrize("name", ["Qwen/Qwen3-4B", "/weights/qwen-mine", "qwen2.5"])
def test_the_last_part_of_the_name_tells_the_family(name):
    assert family_of(name) is FAMILIES["qwen"]


@pytest.mark.parametrize("name", ["microsoft/Phi-4-mini-instruct", "Qwen/other", ""])
def test_others_have_none(name):
    assert family_of(name) is None


def test_a_family_brings_its_prompt_and_its_room():
    settings = RationaleSettings.model_validate({"model": QWEN})
    assert settings.foresight == FAMILIES["qwen"].foresight != RationaleSettings().foresight
    assert settings.sampling.max_characters == FAMILIES["qwen"].max_characters
    assert settings.hindsight == RationaleSettings().hindsight


def test_what_the_settings_say_outranks_the_family():
    given = {"model": QWEN, "foresight": "Of {history}", "sampling": {"max_tokens": 50, "temperature": 0.9}}
    settings = RationaleSettings.model_validate(given)
    assert (settings.foresight, settings.sampling.max_tokens) == ("Of {history}", 50)
    assert settings.sampling.max_characters == FAMILIES["qwen"].max_characters
    assert settings.sampling.temperature == 0.9
    assert RationaleSettings.model_validate(settings.model_dump()) == settings


def test_the_packaged_model_keeps_the_defaults():
    assert RationaleSettings.model_validate({"model": RationaleSettings().model}) == RationaleSettings()

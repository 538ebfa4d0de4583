"""Checkpoints: weights as safetensors, everything else as JSON; nothing in them is ever executed."""

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from pulse_pipeline.errors import PulseError
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.model import ThoughtSpace

FORMAT = 1
WEIGHTS, SETTINGS, CATALOGUES = "model.safetensors", "config.json", "catalogues.json"


def save(directory: Path, model: ThoughtSpace, metadata: dict[str, Any] | None = None) -> None:
    """Write a model as ``model.safetensors``, ``config.json`` and ``catalogues.json``.

    The catalogues name the item of each row of an ID residual, so that a catalogue in another order, or
    with items more or less, still finds its own.

    Args:
        directory: A folder, made if missing; hand in one from `files.replacing` for all or nothing.
        model: The model.
        metadata: What else should be known of it, as JSON: mix, encoder and its revision, fingerprint.
    """
    directory.mkdir(parents=True, exist_ok=True)
    settings = {
        "format": FORMAT,
        "width": model.width,
        "views": model.views,
        "domains": list(model.catalogues),
        "metadata": metadata or {},
        "config": model.config.model_dump(mode="json"),
    }
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, directory / WEIGHTS)
    (directory / SETTINGS).write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
    (directory / CATALOGUES).write_text(json.dumps(model.catalogues, ensure_ascii=False) + "\n")


def load(directory: Path) -> ThoughtSpace:
    """Read a model; it scores exactly as the one that was saved.

    Raises:
        PulseError: The folder holds no checkpoint, or one that this version cannot read.
    """
    settings = _settings(directory)
    try:
        catalogues = json.loads((directory / CATALOGUES).read_text())
        config = ThoughtSpaceConfig.model_validate(settings["config"])
        model = ThoughtSpace(settings["width"], catalogues, config, settings["views"])
        weights = load_file(directory / WEIGHTS)
        model.load_state_dict(_unfitted(model) | weights)
    except (OSError, json.JSONDecodeError, ValidationError, KeyError, SafetensorError, RuntimeError) as error:
        raise _unreadable(directory) from error
    return model.eval()


def read_metadata(directory: Path) -> dict[str, Any]:
    """What `save` was told about the model.

    Raises:
        PulseError: The folder holds no checkpoint, or one that this version cannot read.
    """
    return dict(_settings(directory)["metadata"])


def _settings(directory: Path) -> dict[str, Any]:
    try:
        settings = json.loads((directory / SETTINGS).read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise _unreadable(directory) from error
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise _unreadable(directory)
    return settings


def _unfitted(model: ThoughtSpace) -> dict[str, Tensor]:
    """What a checkpoint from before these weights were fitted means: no trend, and rationales in full."""
    meant = {"trend": 0.0, "rationale_serving_weight": 1.0}
    names = [(name, name.rpartition(".")[2]) for name in model.state_dict()]
    return {name: torch.tensor(meant[weight]) for name, weight in names if weight in meant}


def _unreadable(directory: Path) -> PulseError:
    return PulseError(
        f"{directory} holds no Thought Space checkpoint that this version can read: "
        "train again with `pulse run`"
    )

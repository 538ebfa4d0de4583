"""Where a training stands after an epoch, in one file: a killed one goes on to the same result.

Tensors are safetensors, everything else is JSON in the file's header; nothing in it is ever executed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing

STATE = "state.safetensors"
"""Name of the file where a training that is the only one of its folder stands."""

FORMAT = "1"
OPTIMISER, CHANCE = "optimiser.", "chance."

Moments = Mapping[str, dict[str, Tensor]]
"""What an optimiser remembers of each parameter, by the parameter's name."""


@dataclass(frozen=True)
class Snapshot:
    """A training after some epoch.

    Attributes:
        tensors: Weights, moments, states of chance, by name.
        facts: Everything else, as JSON.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


@dataclass(frozen=True)
class StateFile:
    """The one snapshot that is kept of a training, its latest.

    Attributes:
        path: The file, None to keep nothing; another training's snapshot there is not read and is written
            over.
        key: What the training is made from, a fingerprint.
    """

    path: Path | None
    key: str

    def write(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of the last one, in one step."""
        if self.path is None:
            return
        header = {"format": FORMAT, "key": self.key, "facts": json.dumps(snapshot.facts)}
        tensors = {name: tensor.contiguous() for name, tensor in snapshot.tensors.items()}
        with replacing(self.path) as aside:
            save_file(tensors, aside, metadata=header)

    def read(self) -> Snapshot | None:
        """The latest snapshot of this training; None where there is none.

        Raises:
            PulseError: The file is damaged.
        """
        if self.path is None or not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                if (header.get("format"), header.get("key")) != (FORMAT, self.key):
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                return Snapshot(tensors, json.loads(header["facts"]))
        except SafetensorError as error:
            raise PulseError(f"{self.path} is damaged: remove it, the training begins anew") from error


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by the rest of the name."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def standing(moments: Moments, device: torch.device) -> dict[str, Tensor]:
    """What an optimiser remembers and where chance stands, as tensors of a snapshot."""
    memory = {
        f"{OPTIMISER}{name}/{key}": value for name, kept in moments.items() for key, value in kept.items()
    }
    states = {f"{CHANCE}cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states[f"{CHANCE}cuda"] = torch.cuda.get_rng_state(device)
    return memory | states


def put_back(moments: Moments, tensors: Mapping[str, Tensor], device: torch.device) -> None:
    """Give an optimiser and torch's generators back what `standing` took down."""
    for place, value in under(OPTIMISER, tensors).items():
        name, _, key = place.partition("/")
        # Counts of steps stay on the CPU, where the optimiser looks for them.
        moments[name][key] = value if key == "step" else value.to(device)
    torch.set_rng_state(tensors[f"{CHANCE}cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors[f"{CHANCE}cuda"], device)

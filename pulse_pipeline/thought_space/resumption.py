"""Where a training stands after an epoch, in one file: a killed one goes on to the same result.

Tensors are safetensors, everything else is JSON in the file's header; nothing in it is ever executed.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace

FORMAT = "1"


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
        path: The file; another training's snapshot there is not read and is written over.
        key: What the training is made from, of `training_key`.
    """

    path: Path
    key: str

    def write(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of the last one, in one step."""
        header = {"format": FORMAT, "key": self.key, "facts": json.dumps(snapshot.facts)}
        tensors = {name: tensor.contiguous() for name, tensor in snapshot.tensors.items()}
        with replacing(self.path) as aside:
            save_file(tensors, aside, metadata=header)

    def read(self) -> Snapshot | None:
        """The latest snapshot of this training; None where there is none.

        Raises:
            PulseError: The file is damaged.
        """
        if not self.path.exists():
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


def training_key(model: ThoughtSpace, domains: list[DomainData], config: ThoughtSpaceConfig) -> str:
    """Fingerprint of all that decides a training's result: settings, shapes, device, data."""
    return fingerprint(
        {
            "config": config.fingerprint(),
            "shapes": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
            "device": model.rationale_shift.device.type,
            "data": [content(data) for data in domains],
        }
    )


def content(data: DomainData) -> list[str]:
    """What a domain's arrays hold, hashed."""
    digest = hashlib.blake2b(digest_size=16)
    for array in _arrays(data):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return [data.domain, data.protocol, fingerprint(data.item_ids), digest.hexdigest()]


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by the rest of the name."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _arrays(data: DomainData) -> Iterator[NDArray[Any]]:
    yield data.item_vectors
    yield from (data.n_train, data.n_known)
    yield np.array([len(sequence) for sequence in data.sequences])
    yield np.concatenate([np.empty(0, np.int64), *data.sequences])
    if data.rationales is not None:
        yield from vars(data.rationales).values()
    if data.item_thoughts is not None:
        yield data.item_thoughts
    if data.disliked is not None:
        yield np.array([len(items) for items in data.disliked])
        yield np.concatenate([np.empty(0, np.int64), *data.disliked])
    if data.times is not None:
        yield np.concatenate([np.empty(0, np.int64), *data.times])

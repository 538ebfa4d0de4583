"""What a training of the Thought Space is known by: a snapshot of another one is not gone on from."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.model import ThoughtSpace


def training_key(
    model: ThoughtSpace,
    domains: list[DomainData],
    config: ThoughtSpaceConfig,
    abroad: dict[str, Any] | None = None,
) -> str:
    """Fingerprint of all that decides a training's result: settings, shapes, device, data.

    Args:
        model: The model, untrained, on its device.
        domains: What it learns from and is judged on.
        config: The settings.
        abroad: What was decided elsewhere about domains never seen.
    """
    return fingerprint(
        {
            "abroad": abroad,
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

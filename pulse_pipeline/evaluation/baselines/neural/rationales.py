"""Rationale vectors as tensors, for the models that read them."""

import numpy as np
import torch
from torch import Tensor

from pulse_pipeline.errors import PulseError
from pulse_pipeline.thought_space.data import DomainData, FloatArray, RationaleVectors
from pulse_pipeline.thought_space.geometry import has_text


def written_rationales(data: DomainData) -> RationaleVectors:
    """The domain's rationales.

    Raises:
        PulseError: There are none.
    """
    if data.rationales is None:
        raise PulseError(
            f"{data.domain}: this baseline reads rationales, and there are none; materialise "
            "rationale_embeddings, or leave it out of baselines.run"
        )
    return data.rationales


def with_presence(vectors: FloatArray) -> tuple[Tensor, Tensor]:
    """Vectors with zero rows where nothing is written [n, d], and where something is [n]."""
    present = has_text(vectors)
    known = np.where(present[:, None], vectors, 0.0).astype(np.float32)
    return torch.from_numpy(known), torch.from_numpy(present)

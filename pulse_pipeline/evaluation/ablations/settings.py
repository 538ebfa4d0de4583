"""Which ablations run, and how often: a part of the settings file."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.evaluation.ablations.arms import ARMS
from pulse_pipeline.thought_space.data import Protocol


class AblationSettings(BaseModel):
    """What `pulse ablate` trains."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    protocol: Protocol = "loo"
    """Whose split all arms are trained and evaluated under."""

    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    """Seeds of the trainings, the same for every arm; differences are of means over them."""

    run: tuple[str, ...] = tuple(ARMS)
    """Names of the ablations, as `ablations.arms.ARMS` has them; those that a domain has nothing for are
    left out."""

    encoder: EncoderSpec | None = None
    """Another encoder, a sentence encoder or a language model whose last hidden states are averaged: the arm
    ``another encoder`` reads all texts with it; null leaves that arm out."""

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        unknown = sorted(set(self.run) - set(ARMS))
        if unknown:
            raise ValueError(f"no ablation {', '.join(unknown)}; there are: {', '.join(ARMS)}")
        return self

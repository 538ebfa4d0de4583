"""How models are evaluated: a part of the settings file."""

from pydantic import BaseModel, ConfigDict, Field


class EvaluationSettings(BaseModel):
    """What is the same for all models."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    candidate_seed: int = 0
    """Seed of the candidates of sampled metrics; one draw for all models, whatever their own seeds."""

    seeds: int = Field(default=3, ge=2)
    """How many trainings of each model `seed_evaluation` measures, the pipeline's own among them."""

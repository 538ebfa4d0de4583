"""How the published rationales are written (arXiv 2510.08626, stages B and D), in words of our own.

Seed rationales see the chosen training item, its title and all. Trees of thoughts see the history and what
similar users chose; they are scored by the answer, which is a training item too.
"""

from typing import Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pulse_pipeline.rationales.cuts import learned_positions
from pulse_pipeline.rationales.spec import NEIGHBOURS_SLOT, RationaleSettings, Refinement, Sampling, TreeShape

_PSYCHOLOGIST = "You are a cognitive psychologist who studies why people choose what they choose."

_SEED = """\
What a person chose before, newest first:
{history}

Then they chose this:
{target}

Why did this person choose it? Reason from what they chose and wrote before, in fewer than 100 words. \
Write JSON with the key "rationale"."""

_THOUGHT = """\
What a person chose, newest first:
{history}

People who choose alike also chose:
{neighbours}

Say what this person looks for and why, one thought after the other. A thought is one sentence or two and \
says something new. Said so far:
{thoughts}

Write the next thought as JSON with the key "rationale"."""


class SeedSampling(Sampling):
    """How a seed rationale is sampled, and how long it may be.

    The published answer ends with its tokens, cut or not; here the grammar ends it a little before.
    """

    temperature: float = Field(default=0.7, ge=0.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    frequency_penalty: float = Field(default=0.0, ge=0.0, le=2.0)
    max_tokens: int = Field(default=150, ge=8)
    min_characters: int = Field(default=20, ge=1)
    max_characters: int = Field(default=500, ge=40)


class ThoughtSampling(Sampling):
    """How a thought of a tree is sampled, and how long it may be; it ends as a seed does."""

    temperature: float = Field(default=1.0, ge=0.0)
    top_k: int | None = Field(default=51, ge=1)
    frequency_penalty: float = Field(default=0.0, ge=0.0, le=2.0)
    max_tokens: int = Field(default=61, ge=8)
    min_characters: int = Field(default=20, ge=1)
    max_characters: int = Field(default=150, ge=40)


class PublishedRationales(BaseModel):
    """Prompts and sampling as published; model, budget and checks are those of `rationales`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    system: str = _PSYCHOLOGIST
    """The system prompt."""

    seed: str = _SEED
    """Prompt of a seed rationale. Holds ``{history}`` and ``{target}``."""

    seed_sampling: SeedSampling = SeedSampling()
    """How it is sampled."""

    thought: str = _THOUGHT
    """Prompt of the next thought of a tree. Holds ``{history}``, ``{neighbours}`` and ``{thoughts}``, these
    last: what comes before them is read once for all branches."""

    thought_sampling: ThoughtSampling = ThoughtSampling()
    """How a thought is sampled."""

    shape: TreeShape = TreeShape()
    """Breadth, depth and beam of a tree; ours are the published ones."""

    @model_validator(mode="after")
    def _prompts_show_what_they_ask_about(self) -> Self:
        for name, prompt, slots in (
            ("seed", self.seed, ("{history}", "{target}")),
            ("thought", self.thought, ("{history}", "{neighbours}", "{thoughts}")),
        ):
            missing = [slot for slot in slots if slot not in prompt]
            if missing:
                raise ValueError(f"the {name} prompt lacks {' and '.join(missing)}; put it where it belongs")
        if NEIGHBOURS_SLOT in self.seed:
            raise ValueError(f"the seed prompt cannot hold {NEIGHBOURS_SLOT}; take the slot out")
        return self

    def applied(self, settings: RationaleSettings) -> RationaleSettings:
        """The same model, budget and checks; hindsight are the seeds, refined the trees."""
        refinement = Refinement(shape=self.shape, sampling=self.thought_sampling, prompt=self.thought)
        return settings.model_copy(
            update={
                "system": self.system,
                "hindsight": self.seed,
                "sampling": self.seed_sampling,
                "masked": False,
                "refinement": refinement,
            }
        )


def seed_cuts(interactions: pl.DataFrame) -> pl.DataFrame:
    """What seed rationales speak about: of each user the last item that is training under every protocol.

    Args:
        interactions: The `interactions` table, or the part of it that `cuts.drawn_users` gives.

    Returns:
        Columns `user_id`, `kind`, `target_position`.
    """
    return _before_the_answer(interactions, "hindsight")


def answered_cuts(interactions: pl.DataFrame) -> pl.DataFrame:
    """Where chains can be held against an answer: before the item that `seed_cuts` names.

    Args:
        interactions: As there.

    Returns:
        As there.
    """
    return _before_the_answer(interactions, "refined")


def _before_the_answer(interactions: pl.DataFrame, kind: str) -> pl.DataFrame:
    return (
        learned_positions(interactions)
        .select("user_id", pl.lit(kind).alias("kind"), pl.col("spoken").alias("target_position"))
        .sort("user_id")
    )

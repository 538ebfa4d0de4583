"""Every setting of the reasoner, each with its reason."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.spec import ModelRef

_SYSTEM = "You foretell what a person chooses next."

_PROMPT = """\
What a person chose last, newest first:
{history}

Next they choose one of these:
{candidates}

Which one?"""


class ReasonerConfig(BaseModel):
    """Prompt, adapter and optimisation of one fine-tuning (arXiv 2510.08626, stages E and F)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = 0
    """Seed of the adapter, the dropout, the order of examples and the candidates drawn for them."""

    model: ModelRef = ModelRef()
    """The small language model; its chat template writes the prompts."""

    # What is asked.
    system: str = _SYSTEM
    """The system message."""

    prompt: str = _PROMPT
    """The question. Holds ``{history}`` and ``{candidates}``."""

    thinking: str = "Let me think: {rationale}\n"
    """How the answer begins where there is a rationale. Holds ``{rationale}``."""

    answer: str = "They choose:"
    """What stands before the title, with a rationale or without."""

    history_items: int = Field(default=5, ge=1)
    """Latest items shown in training, and in evaluation unless the next setting says otherwise."""

    evaluated_history_items: int | None = Field(default=None, ge=1)
    """Latest items shown in evaluation; the published one shows 3, fewer than were learned from."""

    candidates: int = Field(default=10, ge=2)
    """Items shown in training, the chosen one among them."""

    title_characters: int = Field(default=80, ge=20)
    """Characters of a title."""

    rationales: Literal["refined", "hindsight"] = "refined"
    """What it thinks in training: chains that were scored by the answer, or seed rationales that saw it."""

    rationale_dropout: float = Field(default=0.0, ge=0, le=1)
    """Chance that an example goes without its rationale. The published training always shows it."""

    # What is learned.
    frozen_weights: Literal["full", "4-bit"] = "full"
    """How the weights beside the adapter are held: bfloat16 on a GPU and float32 on CPU cores, or as
    published in 4 bits (NF4, Dettmers et al., NeurIPS 2023), which need the extra ``four-bit`` and a third of
    the memory, and are slower on CPU cores."""

    rank: int = Field(default=8, ge=1)
    """Rank of the adapter."""

    alpha: int = Field(default=16, ge=1)
    """Its scale is alpha over rank."""

    dropout: float = Field(default=0.05, ge=0, le=1)
    """Dropout in front of the adapter."""

    targets: str | tuple[str, ...] = "all-linear"
    """Names of the layers that are adapted, as in peft's `target_modules`."""

    # How it is optimised.
    users: int = Field(default=1000, ge=2)
    """Most users a domain to learn from and to validate on, drawn by the hash of their ids."""

    validation_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of them that is held out; their loss says when to stop. At least one."""

    epochs: int = Field(default=3, ge=0)
    """Most epochs."""

    patience: int = Field(default=1, ge=1)
    """Epochs without a lower validation loss before training stops."""

    batch_size: int = Field(default=8, ge=1)
    """Examples a step."""

    learning_rate: float = Field(default=2e-4, gt=0)
    """Step size of AdamW."""

    # How it is evaluated.
    evaluation_users: int = Field(default=200, ge=1)
    """Most users a domain to evaluate on, drawn by the hash of their ids: each costs a pass of the model
    for every row of the table and every number of candidates."""

    @model_validator(mode="after")
    def _prompts_show_what_they_ask_about(self) -> Self:
        for name, text, slots in (
            ("prompt", self.prompt, ("{history}", "{candidates}")),
            ("thinking", self.thinking, ("{rationale}",)),
        ):
            missing = [slot for slot in slots if slot not in text]
            if missing:
                raise ValueError(f"{name} lacks {' and '.join(missing)}; put it where it belongs")
        return self

    def fingerprint(self) -> str:
        """Hash of all of it (16 hexadecimal digits)."""
        return fingerprint(self.model_dump())

    def training_fingerprint(self) -> str:
        """Hash of what decides the adapter (16 hexadecimal digits)."""
        return fingerprint(self.model_dump(exclude={"evaluated_history_items", "evaluation_users"}))

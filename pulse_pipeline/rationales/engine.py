"""What the stage asks of a language model; resources/engines/ gives it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pulse_pipeline.rationales.spec import RationaleSpec


@dataclass(frozen=True)
class Prompt:
    """One question to the model.

    Attributes:
        key: Names the answer.
        system: The system message.
        user: The user message.
        seed: Seed of its sampling.
    """

    key: str
    system: str
    user: str
    seed: int


@dataclass(frozen=True)
class Completion:
    """One answer of the model.

    Attributes:
        key: The prompt's key.
        text: What was generated.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        cached_tokens: Prompt tokens served from the prefix cache.
        finished: False if the answer was cut at its token limit.
        fits: False if the prompt leaves the model no room for an answer: it was not asked.
    """

    key: str
    text: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    finished: bool
    fits: bool = True

    @classmethod
    def without_room(cls, key: str) -> "Completion":
        """What stands for the answer to a prompt that is too long."""
        return cls(key, "", 0, 0, 0, finished=False, fits=False)


class Session(Protocol):
    """A language model that is loaded at its first use and freed when the session closes."""

    @property
    def load_seconds(self) -> float:
        """Seconds that loading took; 0 while nothing is loaded."""

    def generate(self, prompts: Iterable[Prompt], spec: RationaleSpec) -> Iterator[Completion]:
        """Answer all prompts as one stream; answers come as they finish, in any order.

        Args:
            prompts: Read lazily, so that any number fits in memory.
            spec: The model, the grammar and the sampling of all of them.
        """


class Reader(Protocol):
    """A language model that says how likely texts are."""

    def log_likelihood(self, prompts: list[str], continuations: list[str]) -> list[float]:
        """Mean log probability of a continuation's tokens after its prompt, for each pair."""

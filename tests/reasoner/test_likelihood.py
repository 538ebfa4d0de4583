"""The choice by likelihood is what one pass a title would have found."""

import numpy as np
import pytest
import torch

from pulse_pipeline.reasoner import likelihood
from pulse_pipeline.reasoner.choices import Choice
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.reasoner.likelihood import title_likelihoods
from pulse_pipeline.reasoner.prompts import ChoicePrompts
from tests.reasoner.tiny import tiny_model, tiny_tokenizer

CHOICES = [
    Choice(("red kite",), ("blue", "a much longer title", "red kite two"), 2, "likes red"),
    Choice(("lamp", "a chair and a table"), ("oak", "x"), 0, None),
    Choice((), ("one", "one", "another"), 1, "a" * 60),
]


@pytest.fixture(scope="module")
def asked():
    loaded = tiny_model(tiny_tokenizer())
    return loaded.model, ChoicePrompts(ReasonerConfig(), loaded.tokenizer)


def one_by_one(model, prompts, choice):
    found = []
    for name in choice.candidates:
        prompt, title = prompts.prompt(choice), prompts.title(name)
        with torch.inference_mode():
            logs = model(torch.tensor([prompt + title])).logits[0].log_softmax(dim=-1)
        each = [float(logs[len(prompt) - 1 + place, token]) for place, token in enumerate(title)]
        found.append(np.mean(each))
    return found


@pytest.mark.parametrize("tokens", [1, 500, 4096])
def test_one_pass_over_a_shared_prompt_agrees_with_one_pass_a_title(asked, tokens, monkeypatch):
    monkeypatch.setattr(likelihood, "MAX_TOKENS", tokens)
    model, prompts = asked
    found = title_likelihoods(model, prompts, CHOICES, "test")
    for choice, scores in zip(CHOICES, found, strict=True):
        assert scores == pytest.approx(one_by_one(model, prompts, choice), abs=1e-4)


def test_a_title_is_scored_alike_in_whatever_place_it_is_laid_out(asked):
    model, prompts = asked
    (scores,) = title_likelihoods(model, prompts, CHOICES[2:], "test")
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
    assert scores[0] != pytest.approx(scores[2], abs=1e-3)


def test_nothing_to_choose_is_nothing_scored(asked):
    assert title_likelihoods(*asked, [], "test") == []

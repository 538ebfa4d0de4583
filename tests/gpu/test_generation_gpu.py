"""On a machine with a GPU the same engine writes the same kind of answers."""

import json

import pytest
import torch

from pulse_pipeline.rationales.engine import Prompt
from pulse_pipeline.rationales.spec import RationaleSettings
from resources.language_model import LanguageModel

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")


def test_rationales_are_written_on_the_gpu():
    spec = RationaleSettings().spec("foresight")
    prompts = [Prompt(f"{n:012x}", "You explain choices.", f"Why item {n}? Write JSON.") for n in range(64)]
    with LanguageModel().session() as session:
        answers = {answer.key: json.loads(answer.text) for answer in session.generate(prompts, spec)}
    assert set(answers) == {prompt.key for prompt in prompts}
    assert all(answer["rationale"] for answer in answers.values())

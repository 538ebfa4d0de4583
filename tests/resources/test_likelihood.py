"""How likely the real small model finds texts."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pulse_pipeline.rationales.refinement.likelihood_scorer import ASKED
from pulse_pipeline.rationales.spec import ModelRef
from resources.likelihood import PAIRS_AT_ONCE, LikelihoodReader

HISTORY = '- "Camping Stove", rated 5\n- "Head Lamp, 200 Lumen", rated 4'
PROMPT = ASKED.format(history=HISTORY, thoughts="Light and sturdy gear for nights in a tent.")
ENDS = [" Two Person Tent", " tent", " Lipstick, Ruby Red", " qz xv jjk wq"]


@pytest.fixture(scope="module")
def reader(weights):
    return LikelihoodReader(ModelRef(model=str(weights), revision="local"))


@pytest.fixture(scope="module")
def scores(reader):
    return reader.log_likelihood([PROMPT] * len(ENDS), ENDS)


def test_it_is_the_mean_log_probability_that_the_model_itself_tells(scores, weights):
    """By transformers' own loss, one text at a time and without padding."""
    tokenizer, model = AutoTokenizer.from_pretrained(weights), AutoModelForCausalLM.from_pretrained(weights)
    for end, score in zip(ENDS, scores, strict=True):
        prompt, tail = (tokenizer(text, add_special_tokens=False).input_ids for text in (PROMPT, end))
        labels = torch.tensor([[-100] * len(prompt) + tail])
        with torch.inference_mode():
            loss = model.float()(input_ids=torch.tensor([prompt + tail]), labels=labels).loss
        assert score == pytest.approx(-loss.item(), abs=0.02)


def test_thoughts_that_fit_make_the_next_choice_likelier(reader):
    told = [
        ASKED.format(history=HISTORY, thoughts=text) for text in ("A tent for two.", "Ruby red lipsticks.")
    ]
    fitting, other = reader.log_likelihood(told, [" Two Person Tent"] * 2)
    assert fitting > other


def test_the_company_in_a_batch_changes_nothing(reader, scores):
    prompts = [PROMPT, *(f"{PROMPT} and {'more ' * n}" for n in range(PAIRS_AT_ONCE + 3))]
    again = reader.log_likelihood(prompts, [ENDS[0]] * len(prompts))
    assert again[0] == pytest.approx(scores[0], abs=0.02)

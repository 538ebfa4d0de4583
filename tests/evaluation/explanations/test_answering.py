"""What `pulse explain` says: of a rationale that does not enter the ranking it says so."""

import pytest
import torch

from pulse_pipeline.evaluation.explanations.answering import UNUSED, answer, lines
from pulse_pipeline.evaluation.explanations.explainer import Explainer
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.training import untrained
from tests.thought_space.conftest import planted


def _answered(weight, rationale="Likes calm things."):
    data = planted()
    model = untrained([data], ThoughtSpaceConfig(device="cpu", rationale_serving_weights=(weight,)))
    torch.nn.init.constant_(model.gate.out.bias, 2.0)
    explainer = Explainer(model.eval(), data)
    free = next(item for item in range(data.n_items) if item not in data.sequences[3])
    return answer(explainer, data, 3, free, titles={}, rationale=rationale, inherited=False)


def test_a_rationale_that_enters_the_ranking_is_told_as_a_reason():
    found = _answered(1.0)
    told = " ".join(lines(found))
    assert found["rationale_weight"] == 1
    assert "what the user does and why" in told
    assert UNUSED not in told


@pytest.mark.parametrize(("rationale", "said"), [("Likes calm things.", True), (None, False)])
def test_a_rationale_that_does_not_enter_the_ranking_is_told_as_that(rationale, said):
    found = _answered(0.0, rationale)
    told = " ".join(lines(found))
    assert found["rationale_weight"] == 0
    assert found["rank"] == found["rank_without_rationale"]
    assert "and why" not in told
    assert (UNUSED in told) == said


def test_a_rationale_that_was_cut_inside_a_sentence_says_so():
    assert "Likes calm things. They also…" in " ".join(lines(_answered(1.0, "Likes calm things. They also")))

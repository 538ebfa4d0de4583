import numpy as np
import pytest
import torch

from pulse_pipeline.evaluation.explanations.sensitivity import sensitivity, shortened
from pulse_pipeline.evaluation.explanations.sentences import without_each
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.model import ThoughtSpace
from tests.evaluation.explanations.worlds import spoken_of


@pytest.fixture(scope="module")
def served():
    return spoken_of(n_users=40)


def _model(data, gate):
    """An untrained model whose gate is held at a value."""
    config = ThoughtSpaceConfig(rationale_serving_weights=(1.0,))
    model = ThoughtSpace(data.item_vectors.shape[1], {data.domain: data.item_ids}, config)
    torch.nn.init.constant_(model.gate.out.bias, gate)
    return model.eval()


def _noise(texts):
    return np.random.default_rng(len(texts)).normal(size=(len(texts), 24)).astype(np.float32)


def test_a_model_that_does_not_listen_keeps_every_ranking(served):
    kept = sensitivity(_model(served.data, 0.0), served, _noise)
    for values in (kept.deleted, kept.swapped, kept.key_sentence, kept.other_sentence):
        assert values == pytest.approx(1)


def test_a_model_that_listens_changes_its_rankings(served):
    kept = sensitivity(_model(served.data, 2.0), served, _noise)
    assert kept.deleted.mean() < 0.9
    assert kept.swapped.mean() < 0.9
    assert kept.key_sentence.mean() < 0.9


def test_the_key_sentence_is_the_one_that_moves_the_vector_most(served):
    whole = served.data.rationales.serving

    def encode(texts):
        # Without its first sentence a text is opposite to what it was, without the second the same.
        return np.stack([-whole[row // 2] if row % 2 == 0 else whole[row // 2] for row in range(len(texts))])

    rows, without_key, without_other = shortened(served, encode)
    assert rows.tolist() == list(range(40))
    assert np.array_equal(without_key, -whole)
    assert np.array_equal(without_other, whole)
    kept = sensitivity(_model(served.data, 2.0), served, encode)
    assert kept.other_sentence == pytest.approx(1)
    assert kept.key_sentence.mean() < 0.9


def test_who_has_one_sentence_only_is_left_out(served):
    served.texts[3] = "One sentence."
    try:
        rows, *_ = shortened(served, _noise)
    finally:
        served.texts[3] = "User 3 likes calm things. They also like number 3."
    assert 3 not in rows
    assert len(rows) == 39


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("One. Two! Three?", ["Two! Three?", "One. Three?", "One. Two!"]),
        ('She said "go." Then left.', ["Then left.", 'She said "go."']),
        ("No end", []),
        ("It costs 3.50 today.", []),
        ("", []),
    ],
)
def test_each_sentence_is_left_out_once(text, left):
    assert without_each(text) == left

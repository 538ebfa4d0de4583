import math
from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation.baselines.bm25 import BM25
from tests.thought_space.conftest import planted, with_sequences

TEXTS = ["red wool scarf", "red wool hat with red wool lining", "a kettle", "kettle of steel", "", "scarf"]


def domain():
    data = with_sequences(planted(n_items=len(TEXTS), length=4), [[0, 2, 5, 1], [4, 3, 1, 0]])
    return replace(data, protocol="loo")


def expected(history, item):
    documents = [text.split() for text in TEXTS]
    mean = np.mean([len(words) for words in documents])
    score = 0.0
    for query in history:
        for word in set(documents[query]):
            holding = sum(word in words for words in documents)
            rarity = math.log(1 + (len(TEXTS) - holding + 0.5) / (holding + 0.5))
            found = documents[item].count(word)
            norm = 1.2 * (0.25 + 0.75 * len(documents[item]) / mean)
            score += rarity * found * 2.2 / (found + norm)
    return score


def test_scores_are_those_of_the_formula():
    data = domain()
    scores = BM25(TEXTS).fit(data).score(data, np.array([0, 1]), "test")
    for row in range(2):
        history = data.history(row, "test")
        assert scores[row] == pytest.approx([expected(history, item) for item in range(len(TEXTS))], rel=1e-5)


def test_a_catalogue_without_text_scores_nothing():
    data = domain()
    assert not BM25([""] * len(TEXTS)).fit(data).score(data, np.array([0]), "test").any()

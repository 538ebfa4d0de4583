"""Sensitivity: how much of a user's top ten stays when the rationale is changed.

RecExplainer's question (arXiv 2311.10947) put to a model that reads rationales: does it use what it is told?
The rationale is taken away, swapped with another user's, and robbed of its key sentence: the one whose
removal moves the rationale's vector most. Another sentence, drawn at random, is the control. Rankings are
compared by RBO, which is 1 where nothing has changed: as where validation has rationales not served at all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from pulse_pipeline.evaluation.explanations.rank_biased_overlap import rank_biased_overlap
from pulse_pipeline.evaluation.explanations.sentences import without_each
from pulse_pipeline.evaluation.explanations.served import Served
from pulse_pipeline.evaluation.ranking import top_k
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker, Use

DEPTH = 10

Encode = Callable[[list[str]], FloatArray]
"""Unit vectors of texts, from the encoder that the rationales' vectors came from."""


@dataclass(frozen=True)
class Sensitivity:
    """RBO@10 with the ranking that the user's own rationale gives.

    Attributes:
        deleted: Without a rationale [n_users].
        swapped: With another user's [n_users].
        key_sentence: Without the key sentence, for users whose rationale has several sentences [n_several].
        other_sentence: Without another sentence, drawn, for the same users [n_several].
    """

    deleted: FloatArray = field(repr=False)
    swapped: FloatArray = field(repr=False)
    key_sentence: FloatArray = field(repr=False)
    other_sentence: FloatArray = field(repr=False)


def sensitivity(model: ThoughtSpace, served: Served, encode: Encode, seed: int = 0) -> Sensitivity:
    """Change the rationales and compare the rankings.

    Args:
        model: The domain's model.
        served: Users and rationales, one at least.
        encode: Gives the vectors of shortened texts.
        seed: Seed of the swap and of the other sentence.
    """
    data, users = served.data, served.users
    own = _top(model, data, users)

    def kept(use: Use) -> FloatArray:
        return _overlap(own, _top(model, data, users, use, seed))

    rows, without_key, without_other = shortened(served, encode, seed)
    several = users[rows]
    key, other = (
        _overlap(own[rows], _top(model, _served_with(data, several, vectors), several))
        for vectors in (without_key, without_other)
    )
    return Sensitivity(kept("none"), kept("shuffled"), key, other)


def shortened(served: Served, encode: Encode, seed: int = 0) -> tuple[IntArray, FloatArray, FloatArray]:
    """Rationales without their key sentence, and without another one.

    Args:
        served: Users and rationales.
        encode: Gives the vectors of shortened texts.
        seed: Seed of the other sentence.

    Returns:
        Rows of `served` whose rationale has two sentences or more [n], and the vectors of what is left of
        each without its key sentence [n, d] and without a drawn other one [n, d].
    """
    remainders = [without_each(text) for text in served.texts]
    rows = np.array([row for row, texts in enumerate(remainders) if texts], dtype=np.int64)
    width = served.data.item_vectors.shape[1]
    keys, others = np.empty((len(rows), width), np.float32), np.empty((len(rows), width), np.float32)
    if not len(rows) or served.data.rationales is None:
        return rows[:0], keys[:0], others[:0]
    encoded = encode([text for row in rows for text in remainders[row]])
    rng, start = np.random.default_rng(seed), 0
    whole = served.data.rationales.serving[served.users]
    for place, row in enumerate(rows):
        vectors = encoded[start : start + len(remainders[row])]
        start += len(vectors)
        key = int(np.argmin(vectors @ whole[row]))
        keys[place] = vectors[key]
        others[place] = vectors[rng.choice(np.delete(np.arange(len(vectors)), key))]
    return rows, keys, others


def _served_with(data: DomainData, users: IntArray, vectors: FloatArray) -> DomainData:
    assert data.rationales is not None
    serving = data.rationales.serving.copy()
    serving[users] = vectors
    return replace(data, rationales=replace(data.rationales, serving=serving))


def _top(model: ThoughtSpace, data: DomainData, users: IntArray, use: Use = "own", seed: int = 0) -> IntArray:
    if not len(users):
        return np.empty((0, DEPTH), dtype=np.int64)
    return top_k(ThoughtSpaceRanker(model, rationales=use, seed=seed), data, users, "test", DEPTH).items


def _overlap(a: IntArray, b: IntArray) -> FloatArray:
    """RBO down to the end of the shortest list: who has seen nearly all items has fewer than ten left."""
    depth = max(1, int((a >= 0).sum(axis=1).min())) if len(a) else DEPTH
    return rank_biased_overlap(a[:, :depth], b[:, :depth])

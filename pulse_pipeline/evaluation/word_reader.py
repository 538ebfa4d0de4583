"""Zero-shot by vectors and by words: four scalars, fitted on source domains, over a target's item texts.

A sentence vector knows that two things are alike; it forgets which brand, platform or series they share by
name. Words are those of the target's own titles, weighted by how rare they are there; no interaction of
the target is used but the history of the user who is served.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import polars as pl
from scipy import sparse

from pulse_pipeline.evaluation.validation import validation_ndcg, validation_users
from pulse_pipeline.progress import track
from pulse_pipeline.thought_space import geometry
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.matrices import inverse

LAST = 10  # items of a history that are read
WORDS = 30  # of a text that are read: a title, or how a description begins
NEIGHBOURS = 20  # over which an item's closeness to others is measured
BLOCK = 1024  # items compared with all others at once
ROUNDS = 2
VALIDATION_USERS = 500


@dataclass(frozen=True)
class Reading:
    """What is fitted.

    Attributes:
        decay: Weight of an item relative to the next later one; 1 is the plain mean.
        flattening: Degree to which the spectrum of the vectors is flattened; 1 is whitened.
        words: Weight of the cosine of words, beside 1 of that of vectors.
        hubs: Weight at which an item's mean cosine to its nearest neighbours is taken off: hubs are near to
            everything (as in CSLS, Conneau et al., ICLR 2018, on the side of the items).
    """

    decay: float = 1.0
    flattening: float = 0.0
    words: float = 0.0
    hubs: float = 0.0


GRIDS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("decay", (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)),
    ("flattening", (0.0, 0.25, 0.5, 0.75)),
    ("words", (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.2)),
    ("hubs", (0.0, 0.3, 0.6)),
)
"""The values tried of each scalar, the mildest first, in the order in which they are fitted."""


class Texts:
    """The item texts of one domain, as vectors and as words."""

    def __init__(self, data: DomainData, texts: Sequence[str]) -> None:
        """Measure them.

        Args:
            data: The domain.
            texts: What the words are taken from, a title where there is one, in the catalogue's order.
        """
        self.data = data
        shape = geometry.measure(data.item_vectors[data.listed])
        self._spectrum = shape.log_spectrum
        self._rotated = geometry.centred(data.item_vectors, shape.centre) @ shape.basis
        self.words = rare_words(texts)
        self._flat: dict[float, tuple[FloatArray, FloatArray]] = {}

    def vectors(self, flattening: float) -> tuple[FloatArray, FloatArray]:
        """Unit vectors [n_items, d], and each one's mean cosine to its nearest neighbours [n_items]."""
        if flattening not in self._flat:
            flat = self._rotated * np.exp(-0.5 * flattening * self._spectrum)
            unit = geometry.centred(flat, np.zeros(flat.shape[1], np.float32))
            self._flat[flattening] = unit, _closeness(unit)
        return self._flat[flattening]


class WordReader:
    """Scores cosines of vectors + words x cosines of words - hubs x closeness to other items.

    Attributes:
        reading: The scalars.
    """

    name = "PULSE, words"

    def __init__(self, reading: Reading, domains: Sequence[Texts]) -> None:
        """Take fitted scalars.

        Args:
            reading: The scalars.
            domains: The texts of the domains it will rank.
        """
        self.reading = reading
        self._texts = {texts.data.domain: texts for texts in domains}

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Score the whole catalogue [len(users), n_items]."""
        texts, reading = self._texts[data.domain], self.reading
        query = _weighted([data.history(user, phase)[-LAST:] for user in users], data.n_items, reading.decay)
        unit, closeness = texts.vectors(reading.flattening)
        wanted = query @ unit
        lengths = np.linalg.norm(wanted, axis=1, keepdims=True)
        scores = (wanted / lengths.clip(min=1e-9)) @ unit.T - reading.hubs * closeness
        if reading.words:
            scores += reading.words * (_unit_rows(query @ texts.words) @ texts.words.T).toarray()
        return np.asarray(scores, dtype=np.float32)


def fit(sources: Sequence[Texts], seed: int = 0) -> Reading:
    """Choose the scalars by NDCG@10 on validation items of source domains, each counting alike.

    One scalar after the other, the mildest of equals, in two rounds: how far to flatten depends on whether
    words are read.

    Args:
        sources: Domains whose interactions may be learned from.
        seed: Seed of the sample of validation users.
    """
    reading = Reading()
    samples = [validation_users(texts.data, VALIDATION_USERS, seed) for texts in sources]
    asked = [(texts, users) for texts, users in zip(sources, samples, strict=True) if len(users)]
    grids = GRIDS * ROUNDS if asked else ()
    with track(
        "how to read foreign domains", sum(len(values) for _, values in grids), "settings"
    ) as progress:
        for name, values in grids:
            found = []
            for value in values:
                ranker = WordReader(replace(reading, **{name: value}), sources)
                gains = [validation_ndcg(ranker, texts.data, users) for texts, users in asked]
                found.append(float(np.mean(gains)))
                progress.advance()
            reading = replace(reading, **{name: values[int(np.argmax(found))]})
    return reading


def titles(items: pl.DataFrame, item_embeddings: pl.DataFrame) -> list[str]:
    """The title of each item, its whole text where it has none, in the catalogue's order.

    Args:
        items: The `items` table.
        item_embeddings: The `item_embeddings` table, whose order is the catalogue's.
    """
    named = items.select("item_id", title=pl.coalesce("title", "text"))
    ordered = item_embeddings.select("item_id").join(named, on="item_id", how="left", maintain_order="left")
    return ordered["title"].fill_null("").to_list()


def rare_words(texts: Sequence[str]) -> sparse.csr_matrix:
    """Which words each text has, weighted by log(texts / texts with the word), rows of length 1.

    Args:
        texts: One an item.

    Returns:
        Zero rows for texts without a word [n_items, n_words].
    """
    words = [sorted(set(re.findall(r"\w+", text.lower())[:WORDS])) for text in texts]
    column = {word: index for index, word in enumerate(sorted(set(chain.from_iterable(words))))}
    rows = np.repeat(np.arange(len(words)), [len(each) for each in words])
    columns = np.array([column[word] for word in chain.from_iterable(words)], dtype=np.int64)
    rarity = np.log(len(words) / np.bincount(columns, minlength=len(column)).clip(min=1))
    weights = rarity[columns].astype(np.float32)
    return _unit_rows(sparse.csr_matrix((weights, (rows, columns)), shape=(len(words), len(column))))


def _weighted(histories: list[IntArray], n_items: int, decay: float) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(histories)), [len(items) for items in histories])
    weights = [decay ** np.arange(len(items), dtype=np.float32)[::-1] for items in histories]
    entries = (np.concatenate(weights), (rows, np.concatenate(histories)))
    return sparse.csr_matrix(entries, shape=(len(histories), n_items), dtype=np.float32)


def _unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    return sparse.csr_matrix(sparse.diags_array(inverse(lengths), format="csr") @ matrix)


def _closeness(unit: FloatArray) -> FloatArray:
    """Mean cosine of each item to its nearest neighbours, itself left out [n_items]."""
    k = min(NEIGHBOURS, len(unit) - 1)
    found = np.zeros(len(unit), dtype=np.float32)
    for start in range(0, len(unit) if k else 0, BLOCK):
        block = slice(start, min(start + BLOCK, len(unit)))
        cosines = unit[block] @ unit.T
        cosines[np.arange(len(cosines)), np.arange(block.start, block.stop)] = -np.inf
        found[block] = np.partition(cosines, -k, axis=1)[:, -k:].mean(axis=1)
    return found

"""Fast stand-ins for the heavy resources, for tests of what surrounds them."""

import hashlib
from contextlib import contextmanager

import numpy as np

from resources.causal_model import CausalModel
from resources.language_model import LanguageModel
from resources.text_encoder import TextEncoder
from tests.rationales.stub import StubSession
from tests.reasoner.tiny import tiny_model, tiny_tokenizer
from tests.thought_space.published.tiny import byte_tokenizer, tiny_encoder


class FakeLanguageModel(LanguageModel):
    """Answers with the newest review, or with the item's own words where there is none."""

    @contextmanager
    def session(self):
        yield StubSession(_newest)


def _newest(prompt):
    newest = next(line for line in prompt.user.splitlines() if line.startswith("- "))
    return newest.split("They wrote: ")[-1].strip('-" ') + " and that is why"


class FakeTextEncoder(TextEncoder):
    """Bags of hashed words: texts that share words lie close together."""

    def encoder(self, spec):
        return _HashedWords(spec.dimensions)

    def tunable(self, spec):
        return tiny_encoder(byte_tokenizer())


class FakeCausalModel(CausalModel):
    """A language model of a few thousand random weights."""

    def load(self, ref, held="full"):
        return tiny_model(tiny_tokenizer())


class _HashedWords:
    def __init__(self, dimensions):
        self._dimensions = dimensions

    def encode(self, texts):
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
                vectors[row, int.from_bytes(digest) % self._dimensions] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

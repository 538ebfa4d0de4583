import numpy as np
import polars as pl

from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.provenance import text_hash

SPEC = EncoderSpec(model="test", revision="1", dimensions=4)


class CountingEncoder:
    def __init__(self):
        self.texts = []

    def encode(self, texts):
        self.texts.extend(texts)
        return np.array([[len(text), *text.encode()[:3]] for text in texts], dtype=np.float32)


def _texts(texts):
    return pl.DataFrame({"item_id": list(range(len(texts))), "text": texts}).with_columns(
        text_hash=pl.Series([text_hash(text) for text in texts])
    )


def test_each_distinct_text_is_encoded_once_ever(tmp_path):
    store, encoder = vector_store(tmp_path, SPEC), CountingEncoder()
    embed(_texts(["alpha", "beta", "alpha", "gamma"]), SPEC, encoder, store, "test")
    embed(_texts(["gamma", "delta"]), SPEC, encoder, store, "test")
    assert sorted(encoder.texts) == ["alpha", "beta", "delta", "gamma"]


def test_every_row_gets_its_own_texts_vector_in_order(tmp_path):
    texts = ["beta", "alphabet", "", "beta"]
    table = embed(_texts(texts), SPEC, CountingEncoder(), vector_store(tmp_path, SPEC), "test")
    assert table["item_id"].to_list() == [0, 1, 2, 3]
    assert table["vector"].to_numpy()[:, 0].tolist() == [4, 8, 0, 4]
    assert "text" not in table.columns
    assert set(table["encoder_revision"]) == {"1"}


def test_another_revision_shares_nothing(tmp_path):
    encoder = CountingEncoder()
    for revision in ("1", "2"):
        spec = EncoderSpec(model="test", revision=revision, dimensions=4)
        embed(_texts(["alpha"]), spec, encoder, vector_store(tmp_path, spec), "test")
    assert encoder.texts == ["alpha", "alpha"]

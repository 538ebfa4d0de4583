"""Texts of controls are encoded like all others, and where there are none there is nothing to encode."""

import numpy as np

from assets.ablations import encoding
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.home import Home
from tests.resources.fakes import FakeTextEncoder


def test_a_text_is_encoded_wherever_it_stands_and_no_text_gives_no_vector(tmp_path):
    spec = EncoderSpec()
    encode = encoding(Home(tmp_path), spec, FakeTextEncoder())
    both, again = encode(["tea and rain", "", "wool"]), encode(["wool", "tea and rain"])
    assert np.array_equal(both[[2, 0]], again) and not np.array_equal(*again)
    assert not both[1].any()
    assert encode([]).shape == (0, spec.dimensions)

"""The k best of a row are those of a plain stable sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline.evaluation import selection
from pulse_pipeline.evaluation.selection import Best, largest
from pulse_pipeline.thought_space.data import FloatArray, IntArray


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 40)),
    k=st.integers(1, 12),
    levels=st.sampled_from([1, 2, 5, 10**6]),  # few levels: many ties
    run=st.integers(1, 9),
    infinite=st.booleans(),
    pieces=st.integers(1, 5),
)
def test_any_shape_and_mask(
    *, seed: int, shape: tuple[int, int], k: int, levels: int, run: int, infinite: bool, pieces: int
) -> None:
    m, n = shape
    k = min(k, n)
    rng = np.random.default_rng(seed)
    scores = rng.integers(-levels, levels, size=(m, n)).astype(np.float32)
    if infinite:
        scores[rng.random((m, n)) < 0.3] = -np.inf
    masked = np.nonzero(rng.random((m, n)) < rng.random())
    before = scores.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "RUN", run)
        found = Best(m, k)
        for columns in np.array_split(np.arange(n), min(pieces, n)):
            found.take(int(columns[0]), scores[:, columns], masked)
        columns, best = found.columns, found.scores
    assert np.array_equal(scores, before)
    scores[masked] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    expected = np.take_along_axis(scores, order, axis=1)
    assert best.tolist() == expected.tolist()
    assert columns.tolist() == np.where(np.isneginf(expected), -1, order).tolist()


def test_scores_that_may_not_be_written_to() -> None:
    scores = np.broadcast_to(np.arange(200, dtype=np.float32), (3, 200))
    nothing = np.empty(0, dtype=np.int64)
    columns, _ = largest(scores, (nothing, nothing), 2)
    assert columns.tolist() == [[199, 198]] * 3


@pytest.mark.parametrize("scores", [np.zeros(4096), np.arange(4096), -np.arange(4096)])
def test_of_a_piece_no_more_is_looked_into_than_the_best_runs(
    scores: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    merge = Best._merge

    def counted(self: Best, rows: IntArray, columns: IntArray, found: FloatArray) -> None:
        sizes.append(len(rows))
        merge(self, rows, columns, found)

    monkeypatch.setattr(Best, "_merge", counted)
    best = Best(2, 3)
    whole = np.tile(scores.astype(np.float32), (2, 1))
    nothing = (np.empty(0, dtype=np.int64),) * 2
    for first in range(0, 4096, 512):
        best.take(first, whole[:, first : first + 512], nothing)
    assert max(sizes) <= 2 * 3 * selection.RUN
    assert best.columns.tolist() == np.argsort(-whole, axis=1, kind="stable")[:, :3].tolist()


def test_nothing_is_taken_of_no_rows() -> None:
    nothing = np.empty(0, dtype=np.int64)
    columns, best = largest(np.empty((0, 9), dtype=np.float32), (nothing, nothing), 4)
    assert columns.shape == best.shape == (0, 4)

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pulse_pipeline.thought_space import geometry

CATALOGUES = hnp.arrays(
    np.float32, st.tuples(st.integers(0, 12), st.just(5)), elements=st.floats(-1, 1, width=16)
)


@given(CATALOGUES)
def test_a_geometry_is_finite_whatever_the_catalogue(vectors):
    shape = geometry.measure(vectors)
    assert np.isfinite(shape.log_spectrum).all()
    assert np.allclose(shape.basis @ shape.basis.T, np.eye(5), atol=1e-4)


@given(CATALOGUES)
def test_centred_rows_are_unit_or_zero(vectors):
    unit = geometry.centred(vectors, geometry.measure(vectors).centre)
    lengths = np.linalg.norm(unit, axis=1)
    assert ((np.abs(lengths - 1) < 1e-3) | (lengths < 1e-3)).all()


def test_items_without_text_stay_zero_and_move_no_centre():
    vectors = np.array([[1, 0], [0, 0], [0, 1]], dtype=np.float32)
    shape = geometry.measure(vectors)
    assert np.allclose(shape.centre, [0.5, 0.5])
    assert (geometry.centred(vectors, shape.centre)[1] == 0).all()

"""Products of rounded vectors stay within the bound that is told of them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_pipeline.thought_space import rounding
from pulse_pipeline.thought_space.rounding import Rounded, largest_error


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 30), st.integers(1, 400)),
    scale=st.sampled_from([1e-3, 1.0, 50.0]),
    alike=st.booleans(),  # all of one sign: rounding errors add up, and so do the terms
)
def test_no_product_is_further_off_than_the_bound(
    *, seed: int, shape: tuple[int, int, int], scale: float, alike: bool
) -> None:
    m, n, d = shape
    rng = np.random.default_rng(seed)
    queries, items = scale * rng.standard_normal((m, d)), rng.standard_normal((n, d))
    if alike:
        queries, items = np.abs(queries), np.abs(items)
    queries, items = queries.astype(np.float32), items.astype(np.float32)
    q, x = (Rounded.of(torch.from_numpy(vectors)) for vectors in (queries, items))
    rough = (q.vectors @ x.vectors.T).double().numpy()
    real = queries.astype(np.float64) @ items.astype(np.float64).T
    bound = largest_error(q, x).numpy()
    assert (np.abs(rough - real).max(axis=1) <= bound).all()
    product = np.linalg.norm(queries, axis=1) * np.linalg.norm(items, axis=1).max()
    assert (bound <= 0.015 * product).all()


def test_numbers_of_few_bits_lose_nothing_but_their_sum() -> None:
    whole = Rounded.of(torch.tensor([[1.0, -2.0, 0.5]]))
    assert not whole.errors.any()
    assert largest_error(whole, whole).item() == pytest.approx(5.25 * 2**-8, rel=1e-3)


def test_it_pays_where_the_cpu_has_instructions_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for able in ({"avx512_bf16": True}, {"avx512_bf16": False, "amx_bf16": True}):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert rounding.pays(cpu)
        assert not rounding.pays(torch.device("cuda"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert not rounding.pays(cpu)

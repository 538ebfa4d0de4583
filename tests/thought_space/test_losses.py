import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from pulse_pipeline.thought_space.losses import contrast, next_item


def test_next_item_is_the_cross_entropy_over_unseen_items():
    logits = torch.tensor([[9.0, 0.0, 0.0, 0.0]])
    loss = next_item(logits, torch.tensor([1]), torch.tensor([[0, 0]]))
    assert loss.item() == pytest.approx(math.log(3))


def test_a_target_that_was_seen_before_still_counts():
    loss = next_item(torch.zeros(1, 3), torch.tensor([1]), torch.tensor([[0, 1]]))
    assert loss.item() == pytest.approx(math.log(2))


def test_the_logq_correction_undoes_a_biased_sample():
    generator = torch.Generator().manual_seed(0)
    n = 400
    logits = torch.randn(1, n, generator=generator)
    chance = torch.linspace(0.05, 1.0, n)
    target = torch.tensor([n - 1])
    full = next_item(logits, target, torch.zeros(1, 1, dtype=torch.long))
    corrected, plain = [], []
    for _ in range(200):
        kept = (torch.rand(n, generator=generator) < chance).nonzero().squeeze(1)
        column = torch.tensor([int((kept == n - 1).nonzero())])
        seen = torch.zeros(1, 1, dtype=torch.long)
        corrected.append(next_item(logits[:, kept], column, seen, chance[kept].log()))
        plain.append(next_item(logits[:, kept], column, seen))
    assert torch.stack(corrected).mean().item() == pytest.approx(full.item(), abs=0.1)
    assert abs(torch.stack(plain).mean().item() - full.item()) > 0.3


def test_contrast_is_symmetric_and_falls_as_pairs_agree():
    b, r = torch.eye(4), torch.eye(4).roll(1, 0)
    targets, tau = torch.arange(4), torch.tensor(0.07)
    assert contrast(b, b, targets, tau) < 1e-3
    assert contrast(b, r, targets, tau) > 5
    assert contrast(b, r, targets, tau) == pytest.approx(contrast(r, b, targets, tau).item())


def test_users_of_one_item_are_not_negatives_of_each_other():
    same = torch.ones(2, 3) / 3**0.5
    tau = torch.tensor(0.07)
    assert contrast(same, same, torch.tensor([5, 5]), tau).item() == pytest.approx(0.0)
    assert contrast(same, same, torch.tensor([5, 6]), tau).item() == pytest.approx(math.log(2))


def pairs_of(seed, size):
    generator = torch.Generator().manual_seed(seed)
    b, r = (functional.normalize(torch.randn(size, 6, generator=generator), dim=1) for _ in range(2))
    return b, r, torch.randint(0, size, (size,), generator=generator)


@given(seed=st.integers(0, 10_000), size=st.integers(1, 8), harder=st.floats(0.0, 3.0))
def test_the_harder_the_negatives_the_larger_the_contrast(seed, size, harder):
    b, r, targets = pairs_of(seed, size)
    tau = torch.tensor(0.2)
    plain, some, more = (contrast(b, r, targets, tau, beta).item() for beta in (0.0, harder, harder + 0.5))
    assert plain <= some + 1e-5
    assert some <= more + 1e-5


def test_negatives_that_are_equally_near_weigh_alike():
    b = torch.eye(5)
    tau = torch.tensor(0.5)
    plain = contrast(b, b, torch.arange(5), tau).item()
    assert contrast(b, b, torch.arange(5), tau, 2.0).item() == pytest.approx(plain)


def test_the_weights_of_negatives_are_those_of_the_formula():
    b, r, _ = pairs_of(3, 4)
    targets, tau, beta = torch.arange(4), torch.tensor(0.3), 1.5
    s = b @ r.T / tau
    expected = 0.0
    for own, others in ((s, s), (s.T, s.T)):
        for j in range(4):
            negatives = torch.stack([others[j, k] for k in range(4) if k != j])
            weights = (beta * negatives).exp()
            weights = weights / weights.mean()
            expected -= (own[j, j] - torch.log(own[j, j].exp() + (weights * negatives.exp()).sum())) / 8
    assert contrast(b, r, targets, tau, beta).item() == pytest.approx(float(expected), abs=1e-5)


def test_hard_negatives_pull_at_the_nearest_the_most():
    b = functional.normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), dim=1)
    r = functional.normalize(torch.tensor([[1.0, 0.2], [0.9, 0.5], [-1.0, 0.0]]), dim=1).requires_grad_()
    shares = []
    for beta in (0.0, 1.0):
        (gradient,) = torch.autograd.grad(contrast(b, r, torch.arange(3), torch.tensor(0.5), beta), r)
        near, far = gradient[1].norm(), gradient[2].norm()
        shares.append((near / (near + far)).item())
    assert shares[1] > shares[0]

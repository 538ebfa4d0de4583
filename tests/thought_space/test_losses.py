import math

import pytest
import torch

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

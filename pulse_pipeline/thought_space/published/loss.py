"""The published contrast and how low it can get."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def behaviour_to_rationale(
    cosines: Tensor, temperature: float, negatives: int, draw: torch.Generator
) -> Tensor:
    r"""Contrast of each behaviour with its own rationale and some of the batch's others.

    .. math:: L = -\frac1m \sum_j \log \frac{e^{s_{jj}/\tau}}{\sum_{k \in N_j \cup \{j\}} e^{s_{jk}/\tau}}

    One direction only, as published: behaviour -> rationale. Users who chose the same item are negatives of
    each other. Source: arXiv 2510.08626, stage C.

    Args:
        cosines: Behaviours by rationales, pairs on the diagonal [m, m].
        temperature: tau.
        negatives: Size of N; all others where the batch has no more.
        draw: Draws them.

    Returns:
        The mean over behaviours.
    """
    m = len(cosines)
    chance = torch.rand(m, m, generator=draw).fill_diagonal_(-1.0)
    others = chance.topk(min(negatives, m - 1), dim=1).indices.to(cosines.device)
    logits = torch.cat([cosines.diagonal()[:, None], cosines.gather(1, others)], dim=1) / temperature
    return functional.cross_entropy(logits, torch.zeros(m, dtype=torch.long, device=cosines.device))


def floor(temperature: float, negatives: int) -> float:
    """The loss of a perfect space: own rationales at cosine 1, all others at -1."""
    return math.log1p(negatives * math.exp(-2.0 / temperature))

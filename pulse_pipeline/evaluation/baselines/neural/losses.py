"""Losses that several baselines share."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from pulse_pipeline.evaluation.baselines.neural.config import TrainingConfig


def next_item(queries: Tensor, items: Tensor, targets: Tensor, config: TrainingConfig) -> Tensor:
    r"""Cross-entropy over the catalogue, or over the target and uniformly drawn others.

    .. math:: L = -\frac1m \sum_j \log \frac{e^{s_{j,y_j}}}{\sum_i e^{s_{j,i}}}

    Drawn items count n_items / k times each, which makes the sum in the denominator an unbiased
    estimate. Why not one negative: Klenitskiy & Vasilev (RecSys 2023).

    Args:
        queries: One an example [m, d].
        items: The catalogue [n_items, d].
        targets: The item that came next [m].
        config: Says from which size on to draw, and how many.
    """
    n_items = len(items)
    if n_items <= config.full_softmax_items:
        return functional.cross_entropy(queries @ items.T, targets)
    drawn = torch.randint(n_items, (config.sampled_negatives,), device=items.device)
    wanted = (queries * items[targets]).sum(dim=1, keepdim=True)
    others = queries @ items[drawn].T + math.log(n_items / config.sampled_negatives)
    others = others.masked_fill(drawn[None, :] == targets[:, None], float("-inf"))
    return functional.cross_entropy(torch.cat([wanted, others], dim=1), torch.zeros_like(targets))

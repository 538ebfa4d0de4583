r"""The terms of the objective, each with its formula and source.

.. math:: L = w_1 N(b) + \frac{m_p}{m}
          \left[w_2 N(b \oplus f) + w_3 C(b, f) + w_4 C(b, h) + w_5 N(f)\right]

N is `next_item`, C is `contrast`; b is behaviour, f the foresight written from what came before, h
hindsight, and b ⊕ f the gated fusion. The terms in brackets are about the one item that a user's rationale
speaks of: their means are over the m_p users of the batch who have one, weighed by that part of all m
predictions, so that an example weighs what the term's weight says beside one next item: that weighing is
ours (docs/transfer.md tells why). That what is recommended by meets both behaviour and rationale, N(b ⊕ f),
and that a rationale alone predicts the next item, N(f), follow PULSE (arXiv 2510.08626), which asks them of a
language model's answer; over a whole catalogue they are ours. `objective` puts
them together; w_1 to w_5 are `next_item_weight`, `thought_weight`, `contrast_weight`, `hindsight_weight`
and `rationale_weight` of `ThoughtSpaceConfig`.
"""

import torch
from torch import Tensor
from torch.nn import functional


def next_item(logits: Tensor, targets: Tensor, seen: Tensor, log_chance: Tensor | None = None) -> Tensor:
    r"""Cross-entropy of the next item over a catalogue or a sample of it.

    .. math:: L = -\frac1m \sum_j \log \frac{e^{s_{j,y_j}}}{\sum_{i \notin H_j} e^{s_{j,i}}}

    with s the dot product over a learned temperature, plus at home the item's bias, and H what the window
    holds of the history, as ranking masks the history too: without the mask the model learns to push the
    history away from itself. With a sample, s becomes s - log Q(i), Q the chance that the sample holds i
    (logQ correction: Bengio & Senécal 2008; Yi et al., RecSys 2019). The softmax over all items as the
    loss of sequential recommenders: Klenitskiy & Vasilev, RecSys 2023.

    Args:
        logits: Scores of the candidates; histories are masked in place [m, n].
        targets: Column of each next item [m].
        seen: Columns of each history, padded with any of its own [m, length].
        log_chance: log Q of each candidate; None where all items are candidates [n].

    Returns:
        The mean over rows.
    """
    if log_chance is not None:
        logits = logits - log_chance
    # Not a part of the graph: what is masked has probability 0, and with it gradient 0, of itself.
    with torch.no_grad():
        wanted = logits.gather(1, targets[:, None])
        logits.scatter_(1, seen, float("-inf")).scatter_(1, targets[:, None], wanted)
    return functional.cross_entropy(logits, targets)


def contrast(
    behaviour: Tensor, rationales: Tensor, targets: Tensor, temperature: Tensor, hardness: float = 0.0
) -> Tensor:
    r"""Symmetric InfoNCE between what users do and why, the whole batch as negatives, hard ones foremost.

    .. math:: L = -\frac1{2m} \sum_j \left[
              \log \frac{e^{s_{jj}}}{e^{s_{jj}} + \sum_{k \ne j} w_{jk} e^{s_{jk}}}
              + \log \frac{e^{s_{jj}}}{e^{s_{jj}} + \sum_{k \ne j} w'_{kj} e^{s_{kj}}}\right],
              \quad s_{jk} = b_j r_k/\tau, \quad w_{jk} \propto e^{\beta s_{jk}}

    with weights of mean 1 over the negatives of one sum (w over k for each j, w' the same of the transpose),
    through which no gradient goes: at hardness 0 all weigh the same, above it those that lie
    nearest, whom only a reason of their own tells apart, weigh most.

    Source: InfoNCE (van den Oord et al. 2018), symmetric with a learned temperature as in CLIP (Radford
    et al. 2021), weights of negatives as in Robinson et al. (ICLR 2021); PULSE uses one direction, equal
    weights and temperature 1. Users who chose the same item are not negatives of each other: their reasons
    may well agree. A batch is of one domain, so all negatives are of the same domain.

    Args:
        behaviour: Unit vectors [m, d].
        rationales: Unit vectors of the same users [m, d].
        targets: The item that each pair is about [m].
        temperature: Positive scalar.
        hardness: How much nearness adds to a negative's weight, the beta of the formula; 0 or more.

    Returns:
        The mean over pairs and directions.
    """
    similarity = behaviour @ rationales.T / temperature
    same = targets[:, None] == targets[None, :]
    same = same & ~torch.eye(len(targets), dtype=torch.bool, device=targets.device)
    similarity = similarity.masked_fill(same, float("-inf"))
    pairs = torch.arange(len(targets), device=targets.device)
    forth = functional.cross_entropy(_weighted(similarity, hardness), pairs)
    back = functional.cross_entropy(_weighted(similarity.T, hardness), pairs)
    return (forth + back) / 2


def _weighted(similarity: Tensor, hardness: float) -> Tensor:
    """Logits in which each negative counts as often as its weight says [m, m]."""
    with torch.no_grad():
        own = torch.eye(len(similarity), dtype=torch.bool, device=similarity.device)
        no_negative = own | similarity.isneginf()
        near = (hardness * similarity).masked_fill(no_negative, float("-inf"))
        log_mean = near.logsumexp(dim=1, keepdim=True) - (~no_negative).sum(dim=1, keepdim=True).log()
        log_weight = torch.where(no_negative, 0.0, near - log_mean)
    return similarity + log_weight

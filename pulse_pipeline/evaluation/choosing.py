"""Choosing among few candidates, the published protocol (arXiv 2510.08626, stage F), with its bugs mended.

The published evaluation counts a hit where a sampled answer holds the target's title; it shows three titles,
no rationale, and candidates redrawn for each model. Here candidates are ranked by likelihood, five titles
are shown unless set, with a foresight rationale and without, and all models see the same candidates in one
order.
Sampled candidates flatter models (Krichene & Rendle, KDD 2020): these rows stand beside the full ranking.
"""

from dataclasses import asdict, dataclass, field

import numpy as np
import polars as pl

from pulse_pipeline import provenance
from pulse_pipeline.evaluation.bootstrap import intervals, paired_difference
from pulse_pipeline.evaluation.evaluate import Origin
from pulse_pipeline.evaluation.metrics import METRICS
from pulse_pipeline.evaluation.per_user import of_candidates
from pulse_pipeline.evaluation.slices import ALL, WITH_RATIONALE, WITHOUT_RATIONALE, Mask
from pulse_pipeline.provenance import text_hash
from pulse_pipeline.reasoner.choices import Choice, user_generator
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray

SIZES = (20, 5)
"""How many of the frozen candidates a language model is shown: it cannot read a hundred."""

DIFFERENCE = "HR difference"


@dataclass(frozen=True)
class Chosen:
    """A model's figures among candidates and the ranks behind them.

    Attributes:
        metrics: Rows of `schemas.Metrics`.
        ranks: Rank of each user's target, from 1 [n_users].
    """

    metrics: pl.DataFrame
    ranks: IntArray = field(repr=False)


def drawn_users(data: DomainData, at_most: int) -> IntArray:
    """Test users, those first whose ids' hashes are the smallest: rationales are written for the same."""
    users = data.evaluated_users("test")
    order = sorted(users, key=lambda user: text_hash(data.user_ids[user]))
    return np.sort(np.asarray(order[:at_most], dtype=np.int64))


def asked_choices(
    data: DomainData,
    users: IntArray,
    candidates: list[IntArray],
    *,
    titles: dict[str, str],
    rationales: dict[str, str],
    config: ReasonerConfig,
) -> list[Choice]:
    """What the reasoner is asked about test users.

    Args:
        data: The domain, under one protocol.
        users: Indices of users.
        candidates: Item indices to choose from, the target first, one array a user.
        titles: Name of each item by its id.
        rationales: Foresight by user id; a user who has none is asked without.
        config: How many titles are shown; the seed of the order in which candidates are.
    """
    names = [titles[item] for item in data.item_ids]
    shown = config.evaluated_history_items or config.history_items
    choices = []
    for user, items in zip(users, candidates, strict=True):
        order = user_generator(config.seed, data.user_ids[user]).permutation(len(items))
        latest = data.history(user, "test")[: -shown - 1 : -1]
        choices.append(
            Choice(
                history=tuple(names[item] for item in latest),
                candidates=tuple(names[item] for item in items[order]),
                answer=int(np.flatnonzero(order == 0)[0]),
                rationale=rationales.get(data.user_ids[user]),
            )
        )
    return choices


def candidate_ranks(scores: list[FloatArray], choices: list[Choice]) -> IntArray:
    """Rank of each chosen item among its candidates, ties pessimistic [n_choices]."""
    return np.array(
        [int((found >= found[choice.answer]).sum()) for found, choice in zip(scores, choices, strict=True)],
        dtype=np.int64,
    )


def evaluate_choices(ranks: IntArray, size: int, data: DomainData, origin: Origin, told: Mask) -> Chosen:
    """HR, NDCG and MRR among `size` candidates, with intervals over users.

    Args:
        ranks: As `candidate_ranks` gives them [n_users].
        size: How many candidates there were.
        data: The domain, under the protocol of the ranks.
        origin: Where the ranks come from.
        told: Which users have a rationale [n_users].

    Returns:
        Rows over all users and, where only some have a rationale, over those who have and who have not.
    """
    groups = [(ALL, np.ones_like(told))]
    if told.any() and not told.all():
        groups += [(WITH_RATIONALE, told), (WITHOUT_RATIONALE, ~told)]
    rows = [
        {"slice": name, "n_users": int(members.sum()), **row}
        for name, members in groups
        for row in _figures(ranks[members], size)
    ]
    shared = {
        **asdict(origin),
        "dataset": data.domain,
        "protocol": data.protocol,
        "candidates": str(size),
        "p_value_vs_best_baseline": None,
        "p_value_holm": None,
        "git_sha": provenance.git_sha(),
    }
    frame = pl.DataFrame(rows).with_columns(pl.lit(value).alias(key) for key, value in shared.items())
    return Chosen(Metrics.validate(frame, cast=True), ranks)


def hit_difference(a: Chosen, b: Chosen, among: Mask) -> pl.DataFrame:
    """How much more often `a` has the target first than `b`, on the same users.

    Args:
        a: A model.
        b: Another.
        among: Which users have a rationale, some at least; only they are compared [n_users].

    Returns:
        One row of `schemas.Metrics`; the p-value is that of the difference.
    """
    hit_rate = METRICS["HR"]
    found = paired_difference(hit_rate(a.ranks, 1)[among], hit_rate(b.ranks, 1)[among])
    template = a.metrics.filter(slice=ALL, metric="HR", k=1)
    row = template.with_columns(
        model=pl.lit(f"{template['model'][0]} - {b.metrics['model'][0]}"),
        slice=pl.lit(WITH_RATIONALE),
        metric=pl.lit(DIFFERENCE),
        n_users=pl.lit(int(among.sum())),
        value=found.value,
        ci_low=found.low,
        ci_high=found.high,
        p_value_vs_best_baseline=found.p_value,
    )
    return Metrics.validate(row, cast=True)


def _figures(ranks: IntArray, size: int) -> list[dict[str, object]]:
    columns = dict(of_candidates(size, ranks))
    found = intervals(np.stack(list(columns.values()), axis=1))
    return [
        {"metric": one.metric, "k": one.k, "value": mean.value, "ci_low": mean.low, "ci_high": mean.high}
        for one, mean in zip(columns, found, strict=True)
    ]

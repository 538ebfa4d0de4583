"""The reasoner on a domain's test users: the faithful arm's rows of the `metrics` table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.candidates import Candidates
from pulse_pipeline.evaluation.choosing import (
    SIZES,
    Chosen,
    asked_choices,
    candidate_ranks,
    drawn_users,
    evaluate_choices,
    hit_difference,
)
from pulse_pipeline.evaluation.evaluate import Origin
from pulse_pipeline.evaluation.slices import Mask
from pulse_pipeline.rationales.latest import latest_rationales
from pulse_pipeline.reasoner.choices import Choice, names
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.schemas import Metrics
from pulse_pipeline.thought_space.data import DomainData, FloatArray

ARM = "faithful"
TUNED = "LoRA reasoner"
UNTUNED = "untuned LM"
SILENT = ", no rationale"


@dataclass(frozen=True)
class Trial:
    """What all models are asked about one domain under one protocol.

    Attributes:
        data: The domain.
        asked: For each number of candidates the choices of all users, with their rationales.
        told: Which of the users have a rationale [n_users].
    """

    data: DomainData
    asked: Mapping[int, list[Choice]] = field(repr=False)
    told: Mask = field(repr=False)

    def choices(self, size: int, *, silent: bool) -> list[Choice]:
        """The choices among `size` candidates, with rationales or without."""
        found = self.asked[size]
        return [replace(choice, rationale=None) for choice in found] if silent else found


def trial(
    data: DomainData,
    candidates: Candidates,
    items: pl.DataFrame,
    rationales: pl.DataFrame,
    config: ReasonerConfig,
) -> Trial:
    """Draw users of a domain's test and show them the frozen candidates.

    Args:
        data: The domain, under one protocol.
        candidates: The same that all models are measured on.
        items: The `items` table.
        rationales: The `rationales` table; of it the foresight that has read known items only.
        config: The settings.

    Raises:
        PulseError: No user of the domain has a history and a target.
    """
    users = drawn_users(data, config.evaluation_users)
    if len(users) == 0:
        raise PulseError(
            f"{data.domain}: no user has a history and a test item under protocol {data.protocol}; "
            "add interactions or lower min_interactions"
        )
    own = candidates.of(users)
    known = pl.DataFrame({"user_id": data.user_ids, "known": data.n_known})
    foresight = latest_rationales(rationales, known)
    titles = names(items, config.title_characters)

    def among(size: int) -> list[Choice]:
        return asked_choices(
            data, users, list(own[:, :size]), titles=titles, rationales=foresight, config=config
        )

    told = np.array([data.user_ids[user] in foresight for user in users], dtype=np.bool_)
    return Trial(data, {size: among(size) for size in SIZES if size in candidates.sizes}, told)


def distinct_choices(trials: Iterable[Trial]) -> list[Choice]:
    """All that a model has to read, each once: a user without a rationale is asked alike in both rows."""
    return list(
        dict.fromkeys(
            choice
            for one in trials
            for size in one.asked
            for silent in (False, True)
            for choice in one.choices(size, silent=silent)
        )
    )


def evaluate_reasoner(one: Trial, scores: Mapping[Choice, FloatArray], origin: Origin) -> pl.DataFrame:
    """A model's rows: with rationales, without, and the difference for users who have one.

    Args:
        one: What was asked.
        scores: The model's scores of each distinct choice.
        origin: Where they come from.

    Returns:
        Rows of `schemas.Metrics`.
    """
    rows: list[pl.DataFrame] = [Metrics.create_empty()]
    for size in one.asked:
        told, silent = (_chosen(one, scores, origin, size, silent=silent) for silent in (False, True))
        rows += [told.metrics, silent.metrics]
        if one.told.any():
            rows.append(hit_difference(told, silent, one.told))
    return pl.concat(rows)


def _chosen(
    one: Trial, scores: Mapping[Choice, FloatArray], origin: Origin, size: int, *, silent: bool
) -> Chosen:
    choices = one.choices(size, silent=silent)
    ranks = candidate_ranks([scores[choice] for choice in choices], choices)
    named = replace(origin, model=origin.model + SILENT) if silent else origin
    return evaluate_choices(ranks, size, one.data, named, one.told)

"""What the reasoner learns from: one training item a user, the one that rationales speak about.

Only items that are training under every protocol are learned from, so one reasoner serves them all. Negatives
come from what was chosen up to those items; whether to stop is read off held-out users, so that neither
validation nor test items are looked at.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pulse_pipeline.errors import PulseError
from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.cuts import learned_positions
from pulse_pipeline.reasoner.choices import Choice, names, user_generator
from pulse_pipeline.reasoner.config import ReasonerConfig


@dataclass(frozen=True)
class Examples:
    """Choices to learn from.

    Attributes:
        training: Those that the gradient sees.
        validation: Those of other users.
    """

    training: list[Choice]
    validation: list[Choice]


def examples(
    interactions: pl.DataFrame, items: pl.DataFrame, rationales: pl.DataFrame, config: ReasonerConfig
) -> Examples:
    """Make a domain's examples.

    Args:
        interactions: The `interactions` table.
        items: The `items` table.
        rationales: Rows of the `rationales` schema, those of kind `config.rationales` among them.
        config: The settings.

    Returns:
        One example for each drawn user who has a valid rationale.

    Raises:
        PulseError: Fewer than two users have one.
    """
    told = _told(interactions, rationales, config)
    if len(told) < 2:
        raise PulseError(
            f"{len(told)} users have a valid {config.rationales} rationale of a training item, and the "
            "reasoner needs two or more: raise rationale_users in domains.yaml"
        )
    maker = _Maker(
        names(items, config.title_characters), np.unique(np.concatenate(told["seen"].to_list())), config
    )
    chosen = [maker.example(*row) for row in told.select("user_id", "seen", "rationale").iter_rows()]
    held_out = max(1, round(config.validation_share * len(chosen)))
    return Examples(chosen[held_out:], chosen[:held_out])


def _told(interactions: pl.DataFrame, rationales: pl.DataFrame, config: ReasonerConfig) -> pl.DataFrame:
    """One row a user, in the order of their ids' hashes.

    Returns:
        Columns `user_id`, `seen` (item ids, oldest first, the chosen one last), `rationale`.
    """
    valid = rationales.filter(pl.col("valid") & (pl.col("kind") == config.rationales))
    spoken = learned_positions(interactions).join(
        valid.select("user_id", "rationale", spoken="target_position"), on=["user_id", "spoken"]
    )
    drawn = sorted(spoken["user_id"], key=text_hash)[: config.users]
    seen = (
        interactions.join(spoken, on="user_id")
        .filter(pl.col("position") <= pl.col("spoken"))
        .sort("user_id", "position")
        .group_by("user_id")
        .agg(seen="item_id", rationale=pl.col("rationale").first())
    )
    return pl.DataFrame({"user_id": drawn}, {"user_id": pl.String}).join(
        seen, on="user_id", maintain_order="left"
    )


@dataclass(frozen=True)
class _Maker:
    """Makes examples of one domain.

    Attributes:
        titles: Name of each item by its id.
        pool: Ids of the items that negatives are drawn from, sorted [n_items].
        config: The settings.
    """

    titles: dict[str, str]
    pool: NDArray[np.str_]
    config: ReasonerConfig

    def example(self, user_id: str, seen: list[str], rationale: str) -> Choice:
        """The choice of the last of the items seen, after the ones before it."""
        config, draw = self.config, user_generator(self.config.seed, user_id)
        *before, chosen = seen
        unseen = np.setdiff1d(self.pool, seen)
        negatives = draw.choice(unseen, min(config.candidates - 1, len(unseen)), replace=False)
        shown = draw.permutation([chosen, *negatives])
        kept = draw.random() >= config.rationale_dropout
        return Choice(
            history=tuple(self.titles[item] for item in before[: -config.history_items - 1 : -1]),
            candidates=tuple(self.titles[item] for item in shown),
            answer=int(np.flatnonzero(shown == chosen)[0]),
            rationale=rationale if kept else None,
        )

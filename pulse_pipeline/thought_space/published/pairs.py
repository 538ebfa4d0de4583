"""What is held against each other: why a user chose an item, and what the user did up to it."""

import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.cuts import learned_positions
from pulse_pipeline.rationales.histories import CUT, Histories
from pulse_pipeline.rationales.spec import HistoryBudget
from pulse_pipeline.thought_space.published.config import PublishedSpaceConfig

FEWEST = 4  # two to learn from and two to retrieve


class BehaviourTexts:
    """Writes down what users did up to their cuts, the item chosen there first."""

    def __init__(self, interactions: pl.DataFrame, items: pl.DataFrame, budget: HistoryBudget) -> None:
        """Take a domain.

        Args:
            interactions: The `interactions` table.
            items: The `items` table.
            budget: How much is told.
        """
        self._histories = Histories(interactions, items, budget)
        self._spoken = learned_positions(interactions)

    def __call__(self, wanted: pl.DataFrame) -> pl.Series:
        """One text a row.

        Args:
            wanted: Columns `user_id` and `target_position`, the chosen item's place.

        Raises:
            ValueError: A chosen item is no training item under every protocol: it must not be looked at.
        """
        last = wanted.select(CUT).join(self._spoken, on="user_id", how="left", maintain_order="left")
        if not (last["target_position"] <= last["spoken"]).fill_null(value=False).all():
            raise ValueError("only training items may be looked at as answers")
        rows = (
            wanted.select(CUT)
            .join(self._histories.at(wanted), on=CUT, how="left", maintain_order="left")
            .join(self._histories.before(wanted), on=CUT, how="left", maintain_order="left")
        )
        return rows.select(
            text=pl.format('Chose "{}"{}. Before, newest first:\n{}', "name", "said", "history")
        )["text"]


def pairs(
    interactions: pl.DataFrame, items: pl.DataFrame, seeds: pl.DataFrame, config: PublishedSpaceConfig
) -> pl.DataFrame:
    """One pair a user: seed rationale and behaviour at the training item that it speaks about.

    Args:
        interactions: The `interactions` table.
        items: The `items` table.
        seeds: The `published_seeds` table.
        config: The settings.

    Returns:
        Columns `user_id`, `rationale`, `behaviour`, in the order of the users' hashes.

    Raises:
        PulseError: Fewer than four users have a valid seed rationale.
    """
    told = seeds.filter("valid")
    spoken = learned_positions(interactions).rename({"spoken": "target_position"})
    found = (
        told.join(spoken, on=CUT, how="semi")
        .with_columns(order=pl.col("user_id").map_elements(text_hash, pl.String))
        .sort("order")
        .head(config.users)
    )
    if len(found) < FEWEST:
        raise PulseError(
            f"{len(found)} users have a valid seed rationale, and the published Thought Space needs "
            f"{FEWEST} or more: raise rationale_users in domains.yaml"
        )
    texts = BehaviourTexts(interactions, items, config.budget)
    return found.select("user_id", "rationale", texts(found).alias("behaviour"))

"""What prompts show of what users chose: one line an item, newest first, nothing after the cut."""

import polars as pl

from pulse_pipeline.rationales.spec import HistoryBudget
from pulse_pipeline.rationales.untrusted import item_name, plain, plain_series

TITLE_CHARACTERS = 1000
WROTE = "They wrote:"
"""Stands before a review."""

CUT = ["user_id", "target_position"]


class Histories:
    """Describes a domain's interactions, as far as they are asked for.

    Rows that are wanted have columns `user_id` and `target_position`, the first position not to be seen.
    """

    def __init__(self, interactions: pl.DataFrame, items: pl.DataFrame, budget: HistoryBudget) -> None:
        """Take a domain.

        Args:
            interactions: The `interactions` table.
            items: The `items` table.
            budget: How much is shown.
        """
        self._budget = budget
        self._interactions = interactions.select(
            "user_id", "position", "item_id", "rating", "review_title", "review_text"
        )
        name = item_name(budget.item_characters)
        self._items = items.select(
            "item_id",
            name=pl.when(name != "").then(name).otherwise(pl.lit("an item without a description")),
            # As prompts spell it, so that the mask finds it there and in the answers; never shortened.
            title=plain(pl.col("title"), TITLE_CHARACTERS),
            about=plain(pl.col("text"), budget.target_characters),
        )

    def before(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """What users had chosen before their cuts.

        Returns:
            Columns `user_id`, `target_position`, `history`, each pair once; without users who had nothing.
        """
        seen = (pl.col("position") < pl.col("target_position")) & (
            pl.col("position") >= pl.col("target_position") - self._budget.items
        )
        shown = wanted.select(CUT).unique().join(self._interactions, on="user_id").filter(seen)
        lines = self._described(shown.unique(["user_id", "position"])).select(
            "user_id", "position", line=pl.format('- "{}"{}', "name", "said")
        )
        return (
            shown.select(*CUT, "position")
            .join(lines, on=["user_id", "position"])
            .sort(*CUT, "position", descending=[False, False, True])
            .group_by(CUT, maintain_order=True)
            .agg(history=pl.col("line").str.join("\n"))
        )

    def at(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """What users chose at their cuts.

        Returns:
            Columns `user_id`, `target_position`, `item_id`, `name` (as in histories), `title` (empty where it
            has none), `about` (its text) and `said` (rating and review), each pair once.
        """
        cuts = wanted.select(CUT).unique()
        chosen = cuts.join(
            self._interactions, left_on=CUT, right_on=["user_id", "position"], maintain_order="left"
        ).with_columns(position=pl.col("target_position"))
        return self._described(chosen).select(*CUT, "item_id", "name", "title", "about", "said")

    def _described(self, interactions: pl.DataFrame) -> pl.DataFrame:
        """Add what is shown of each interaction's item, rating and review."""
        told = pl.concat_str("review_title", "review_text", separator=": ", ignore_nulls=True)
        review = plain_series(interactions.select(told).to_series(), self._budget.review_characters)
        rated = pl.format(", rated {}", _score(pl.col("rating"))).fill_null("")
        said = (
            pl.when(pl.col("review") != "")
            .then(pl.format(f'. {WROTE} "{{}}"', "review"))
            .otherwise(pl.lit(""))
        )
        return (
            interactions.with_columns(review=review)
            .join(self._items, on="item_id", how="left", maintain_order="left")
            .with_columns(said=rated + said)
        )


def _score(rating: pl.Expr) -> pl.Expr:
    """A rating as a person writes it: 4 and 4.5, not 4.0."""
    whole = rating.round(0).cast(pl.Int32)
    return pl.when(rating == whole).then(whole.cast(pl.String)).otherwise(rating.round(1).cast(pl.String))

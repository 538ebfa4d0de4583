"""Prompts about items: their text, and what people wrote of them in the training period."""

import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.cuts import IN_TRAINING
from pulse_pipeline.rationales.requests import REQUESTS, filled, request_key
from pulse_pipeline.rationales.spec import HistoryBudget, RationaleSpec
from pulse_pipeline.rationales.untrusted import plain

HEADING = "What people who have it wrote:"


def item_cuts(interactions: pl.DataFrame, items: pl.DataFrame, at_most: int | None = None) -> pl.DataFrame:
    """The items to write about; what has no text can be no subject.

    `text_alone` says that what is written tells nothing of what people did in the domain: nobody reviewed
    any item, and none is picked for being chosen often. It holds for all or none, for which items have
    something tells as much as what they have. Only that may be read by a model which comes from elsewhere.

    Args:
        interactions: The `interactions` table.
        items: The `items` table.
        at_most: Only so many, those that are chosen most often in training, so that what is written reaches
            most histories; None for all. A larger number holds a smaller one.

    Returns:
        Columns `item_id`, sorted, and `text_alone`.
    """
    training = interactions.filter(IN_TRAINING)
    reviewed = training.select(pl.any_horizontal(pl.col("review_title", "review_text").is_not_null()).any())
    chosen = training.group_by("item_id").agg(times=pl.len())
    described = items.filter("has_text").select("item_id").join(chosen, on="item_id", how="left")
    favourites_first = described.sort("times", "item_id", descending=[True, False], nulls_last=True)
    written = favourites_first.slice(0, at_most).select("item_id").sort("item_id")
    return written.with_columns(text_alone=pl.lit(at_most is None and not reviewed.item()))


class ItemPrompts:
    """Renders what is asked about items. Rows that are wanted have the columns of `item_cuts`."""

    def __init__(self, interactions: pl.DataFrame, items: pl.DataFrame, spec: RationaleSpec) -> None:
        """Take a domain.

        Args:
            interactions: The `interactions` table. Of it only what is training under every protocol is
                read, so that what is written about an item serves all of them.
            items: The `items` table.
            spec: What to write with.
        """
        self._spec, self._version = spec, spec.fingerprint()
        self._described = items.select("item_id", item=plain(pl.col("text"), spec.budget.target_characters))
        self._reviews = _training_reviews(interactions, spec.budget)

    def __call__(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Render; items with equal texts and reviews have equal keys."""
        rows = (
            wanted.select("item_id")
            .join(self._described, on="item_id", how="left", maintain_order="left")
            .join(self._reviews, on="item_id", how="left", maintain_order="left")
            .select(pl.col("item").fill_null(""), pl.col("reviews").fill_null(""))
        )
        requests = [self._request(item, reviews) for item, reviews in rows.iter_rows()]
        return pl.concat([wanted, pl.DataFrame(requests, REQUESTS, orient="row")], how="horizontal")

    def _request(self, item: str, reviews: str) -> tuple[str, str, str, str, str, list[str]]:
        line = f'- "{item}"'
        said = f"{HEADING}\n{reviews}\n" if reviews else ""
        evidence = f"{line}\n{reviews}" if reviews else line
        evidence_hash = text_hash(evidence)
        key = request_key(self._version, self._spec.kind, evidence_hash)
        user = filled(self._spec.template, item=line, reviews=said)
        return key, evidence_hash, self._spec.system, user, evidence, []


def _training_reviews(interactions: pl.DataFrame, budget: HistoryBudget) -> pl.DataFrame:
    """The newest reviews of each item, one a line: columns `item_id`, `reviews`."""
    said = pl.concat_str("review_title", "review_text", separator=": ", ignore_nulls=True)
    return (
        interactions.lazy()
        .filter(IN_TRAINING)
        .select("item_id", "timestamp", "user_id", review=plain(said, budget.review_characters))
        .filter(pl.col("review") != "")
        .sort("timestamp", "user_id", descending=[True, False], nulls_last=True)
        .group_by("item_id", maintain_order=True)
        .agg(pl.format('- "{}"', "review").unique(maintain_order=True).head(budget.reviews))
        .select("item_id", reviews=pl.col("review").list.join("\n"))
        .filter(pl.col("reviews") != "")
        .collect()
    )

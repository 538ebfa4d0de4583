"""Prompts from histories: newest first, within a budget, nothing after the cut, no user ids."""

import re

import polars as pl

from pulse_pipeline.provenance import fingerprint, text_hash
from pulse_pipeline.rationales.masking import TitleMask, mask
from pulse_pipeline.rationales.spec import HistoryBudget, RationaleSpec
from pulse_pipeline.rationales.untrusted import plain

_SLOT = re.compile(r"\{history\}|\{target\}")

REQUESTS = pl.Schema(
    [
        ("key", pl.String),
        ("user_id", pl.String),
        ("kind", pl.String),
        ("target_position", pl.Int32),
        ("history_hash", pl.String),
        ("system", pl.String),
        ("user", pl.String),
        ("secrets", pl.List(pl.String)),
    ]
)


def build_requests(
    interactions: pl.DataFrame, items: pl.DataFrame, cuts: pl.DataFrame, spec: RationaleSpec
) -> pl.DataFrame:
    """Render the prompt of every cut of the spec's kind.

    Args:
        interactions: The `interactions` table.
        items: The `items` table.
        cuts: As `cuts.cut_points` gives them.
        spec: What to write with.

    Returns:
        A `REQUESTS` frame. Equal histories under one spec have equal keys: they are asked once.
    """
    wanted = cuts.filter(pl.col("kind") == spec.kind)
    described = _described(interactions, items, spec.budget)
    histories = _histories(described, wanted, spec.budget)
    if spec.kind == "hindsight":
        histories = _with_targets(histories, described, items)
    else:
        histories = histories.with_columns(
            target=pl.lit(None, pl.String), secrets=pl.lit([], pl.List(pl.String))
        )
    version = spec.fingerprint()
    rows = [_request(row, spec, version) for row in histories.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=REQUESTS)


def _described(interactions: pl.DataFrame, items: pl.DataFrame, budget: HistoryBudget) -> pl.DataFrame:
    """One line of text for each interaction, as prompts show it."""
    name = plain(pl.coalesce("title", pl.when(pl.col("text") != "").then("text")), budget.item_characters)
    title = pl.when(name != "").then(name).otherwise(pl.lit("an item without a description"))
    review = plain(
        pl.concat_str("review_title", "review_text", separator=": ", ignore_nulls=True),
        budget.review_characters,
    )
    rated = pl.format(", rated {}", _score(pl.col("rating"))).fill_null("")
    said = pl.when(review != "").then(pl.format('. They wrote: "{}"', review)).otherwise(pl.lit(""))
    return interactions.join(items.select("item_id", "title", "text"), on="item_id", how="left").select(
        "user_id",
        "position",
        "item_id",
        line=pl.format('- "{}"{}{}', title, rated, said),
        about=plain(pl.col("text"), budget.target_characters),
        said=rated + said,
    )


def _score(rating: pl.Expr) -> pl.Expr:
    """A rating as a person writes it: 4 and 4.5, not 4.0."""
    whole = rating.round(0).cast(pl.Int32)
    return pl.when(rating == whole).then(whole.cast(pl.String)).otherwise(rating.round(1).cast(pl.String))


def _histories(described: pl.DataFrame, wanted: pl.DataFrame, budget: HistoryBudget) -> pl.DataFrame:
    seen = (pl.col("position") < pl.col("target_position")) & (
        pl.col("position") >= pl.col("target_position") - budget.items
    )
    return (
        wanted.join(described, on="user_id")
        .filter(seen)
        .sort("user_id", "target_position", "position", descending=[False, False, True])
        .group_by("user_id", "kind", "target_position", maintain_order=True)
        .agg(history=pl.col("line").str.join("\n"))
    )


def _with_targets(histories: pl.DataFrame, described: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Add the chosen item, masked."""
    titles = items.select("item_id", pl.col("title").fill_null("").alias("target_title"))
    titled = TitleMask(titles["target_title"])
    chosen = described.select(
        "user_id",
        "item_id",
        target_position=pl.col("position"),
        about=pl.when(pl.col("about") != "").then("about").otherwise(pl.lit("an item")) + pl.col("said"),
    )
    rows = histories.join(chosen, on=["user_id", "target_position"]).join(titles, on="item_id")
    secrets = [titled.secrets(title) for title in rows["target_title"]]
    targets = ["- " + mask(about, secret) for about, secret in zip(rows["about"], secrets, strict=True)]
    return rows.select(
        "user_id",
        "kind",
        "target_position",
        "history",
        pl.Series("target", targets, pl.String),
        pl.Series("secrets", secrets, pl.List(pl.String)),
    )


def _request(row: dict[str, object], spec: RationaleSpec, version: str) -> dict[str, object]:
    history = str(row["history"])
    slots = {"{history}": history, "{target}": str(row["target"] or "")}
    # Both at once: a review may hold the name of a slot.
    user = _SLOT.sub(lambda slot: slots[slot.group()], spec.template)
    return {
        "key": fingerprint([version, spec.system, user]),
        "user_id": row["user_id"],
        "kind": row["kind"],
        "target_position": row["target_position"],
        "history_hash": text_hash(history),
        "system": spec.system,
        "user": user,
        "secrets": row["secrets"],
    }

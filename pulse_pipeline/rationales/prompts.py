"""Prompts about users: newest first, within a budget, nothing after the cut, no user ids."""

import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.masking import TitleMask, mask
from pulse_pipeline.rationales.neighbour_titles import NeighbourTitles
from pulse_pipeline.rationales.requests import REQUESTS, filled, request_key
from pulse_pipeline.rationales.spec import NEIGHBOURS_SLOT, HistoryBudget, RationaleSpec
from pulse_pipeline.rationales.untrusted import item_name, plain

TITLE_CHARACTERS = 1000
WROTE = "They wrote:"
"""Stands before a review."""


class UserPrompts:
    """Renders what is asked about users: one prompt for each user, kind and cut.

    Rows that are wanted have the columns of `cuts.cut_points`, all of the spec's kind.
    """

    def __init__(
        self,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        spec: RationaleSpec,
        neighbours: pl.DataFrame | None = None,
    ) -> None:
        """Take a domain.

        Args:
            interactions: The `interactions` table.
            items: The `items` table.
            spec: What to write with.
            neighbours: The `neighbours` table; read only where the template holds ``{neighbours}``.

        Raises:
            PulseError: The template holds ``{neighbours}`` and there is no table of them.
        """
        self._interactions, self._items, self._spec = interactions, items, spec
        self._version = spec.fingerprint()
        titles = items["title"].fill_null("").to_list()
        self._mask = TitleMask(titles if spec.kind == "hindsight" else [])
        self._neighbours: NeighbourTitles | None = None
        if NEIGHBOURS_SLOT in spec.template:
            if neighbours is None:
                wanting = f"the {spec.kind} prompt holds {NEIGHBOURS_SLOT}, and there are none"
                raise PulseError(f"{wanting}; materialise `neighbours`, or take the slot out")
            self._neighbours = NeighbourTitles(neighbours, items, spec.budget.item_characters)

    def __call__(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Render; equal histories under one spec have equal keys: they are asked once."""
        described = _described(_of(wanted, self._interactions), self._items, self._spec.budget)
        rows = wanted.join(
            _histories(described, wanted, self._spec.budget),
            on=["user_id", "target_position"],
            how="left",
            maintain_order="left",
        )
        if self._spec.kind == "hindsight":
            rows = self._with_targets(rows, described)
        else:
            rows = rows.with_columns(
                target=pl.lit(""),
                target_id=pl.lit(None, pl.String),
                secrets=pl.lit([], pl.List(pl.String)),
            )
        suggested = self._neighbours.lines(rows) if self._neighbours else pl.lit("")
        shown = rows.select("history", "target", suggested.alias("neighbours"))
        requests = [self._request(*texts) for texts in shown.iter_rows()]
        names = ["key", "history_hash", "system", "user", "evidence"]
        asked = pl.DataFrame(requests, {name: REQUESTS[name] for name in names}, orient="row")
        return pl.concat([wanted, asked, rows.select("secrets")], how="horizontal")

    def _with_targets(self, rows: pl.DataFrame, described: pl.DataFrame) -> pl.DataFrame:
        """Add the chosen item, masked."""
        chosen = described.select(
            "user_id",
            "title",
            target_id="item_id",
            target_position=pl.col("position"),
            about=pl.when(pl.col("about") != "").then("about").otherwise(pl.lit("an item")) + pl.col("said"),
        )
        rows = rows.join(chosen, on=["user_id", "target_position"], how="left", maintain_order="left")
        secrets = [self._mask.secrets(title) for title in rows["title"].fill_null("")]
        targets = ["- " + mask(about, secret) for about, secret in zip(rows["about"], secrets, strict=True)]
        return rows.with_columns(
            pl.Series("target", targets, pl.String), pl.Series("secrets", secrets, pl.List(pl.String))
        )

    def _request(self, history: str, target: str, neighbours: str) -> tuple[str, str, str, str, str]:
        user = filled(self._spec.template, history=history, target=target, neighbours=neighbours)
        evidence = f"{history}\n{target}" if target else history
        if neighbours:
            # Parted by an empty line: what a user chose is other evidence than what a neighbour chose.
            evidence = f"{evidence}\n\n{neighbours}"
        history_hash = text_hash(evidence)
        key = request_key(self._version, self._spec.kind, history_hash)
        return key, history_hash, self._spec.system, user, evidence


def histories(
    interactions: pl.DataFrame, items: pl.DataFrame, wanted: pl.DataFrame, budget: HistoryBudget
) -> pl.DataFrame:
    """What prompts show of histories.

    Args:
        interactions: The `interactions` table.
        items: The `items` table.
        wanted: Columns `user_id`, `target_position`.
        budget: How much is shown.

    Returns:
        Columns `user_id`, `target_position`, `history`: a line for each item before the position, newest
        first; each pair once, without users who have nothing before it.
    """
    return _histories(_described(_of(wanted, interactions), items, budget), wanted, budget)


def _of(wanted: pl.DataFrame, interactions: pl.DataFrame) -> pl.DataFrame:
    return interactions.join(wanted.select("user_id").unique(), on="user_id", how="semi")


def _described(interactions: pl.DataFrame, items: pl.DataFrame, budget: HistoryBudget) -> pl.DataFrame:
    """One line of text for each interaction, as prompts show it."""
    name = item_name(budget.item_characters)
    shown = pl.when(name != "").then(name).otherwise(pl.lit("an item without a description"))
    review = plain(
        pl.concat_str("review_title", "review_text", separator=": ", ignore_nulls=True),
        budget.review_characters,
    )
    rated = pl.format(", rated {}", _score(pl.col("rating"))).fill_null("")
    said = pl.when(review != "").then(pl.format(f'. {WROTE} "{{}}"', review)).otherwise(pl.lit(""))
    return interactions.join(items.select("item_id", "title", "text"), on="item_id", how="left").select(
        "user_id",
        "position",
        "item_id",
        # As prompts spell it, so that the mask finds it there and in the answers; never shortened.
        title=plain(pl.col("title"), TITLE_CHARACTERS),
        line=pl.format('- "{}"{}{}', shown, rated, said),
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
        wanted.select("user_id", "target_position")
        .unique()
        .join(described, on="user_id")
        .filter(seen)
        .sort("user_id", "target_position", "position", descending=[False, False, True])
        .group_by("user_id", "target_position", maintain_order=True)
        .agg(history=pl.col("line").str.join("\n"))
    )

"""Prompts about users: newest first, within a budget, nothing after the cut, no user ids."""

import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.histories import CUT, Histories
from pulse_pipeline.rationales.masking import TitleMask, mask
from pulse_pipeline.rationales.neighbour_titles import neighbour_titles, with_neighbours
from pulse_pipeline.rationales.requests import REQUESTS, filled, request_key
from pulse_pipeline.rationales.spec import RationaleSpec


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
        self._spec, self._histories = spec, Histories(interactions, items, spec.budget)
        self._version = spec.fingerprint()
        titles = items["title"].fill_null("").to_list()
        self._mask = TitleMask(titles) if spec.masked and spec.kind == "hindsight" else None
        self._neighbours = neighbour_titles(spec, neighbours, items)

    def __call__(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Render; equal histories under one spec have equal keys: they are asked once."""
        rows = wanted.join(self._histories.before(wanted), on=CUT, how="left", maintain_order="left")
        if self._spec.kind == "hindsight":
            rows = self._with_targets(rows)
        else:
            rows = rows.with_columns(
                target=pl.lit(""),
                bare=pl.lit(""),
                target_id=pl.lit(None, pl.String),
                secrets=pl.lit([], pl.List(pl.String)),
            )
        suggested = self._neighbours.lines(rows) if self._neighbours else pl.lit("")
        shown = rows.select("history", "target", "bare", suggested.alias("neighbours"))
        requests = [self._request(*texts) for texts in shown.iter_rows()]
        names = ["key", "history_hash", "system", "user", "evidence"]
        asked = pl.DataFrame(requests, {name: REQUESTS[name] for name in names}, orient="row")
        return pl.concat([wanted, asked, rows.select("secrets")], how="horizontal")

    def _with_targets(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add the chosen item, masked where the spec says so and, for its key alone, bare."""
        chosen = self._histories.at(rows).rename({"item_id": "target_id"})
        rows = rows.join(chosen, on=CUT, how="left", maintain_order="left")
        about = pl.when(pl.col("about") != "").then("about").otherwise(pl.lit("an item"))
        if not self._spec.masked:  # whatever a domain's texts are made of, the item is named
            told = pl.col("about").str.contains(pl.col("title"), literal=True)
            about = pl.when(told).then("about").otherwise(pl.format('"{}" {}', "name", "about"))
        rows = rows.with_columns(bare="- " + about + pl.col("said"))
        titles = rows["title"].fill_null("").to_list()
        hidden = {title: self._mask.secrets(title) if self._mask else [] for title in set(titles)}
        secrets = [hidden[title] for title in titles]
        targets = [mask(bare, secret) for bare, secret in zip(rows["bare"], secrets, strict=True)]
        return rows.with_columns(
            pl.Series("target", targets, pl.String), pl.Series("secrets", secrets, pl.List(pl.String))
        )

    def _request(
        self, history: str, target: str, bare: str, neighbours: str
    ) -> tuple[str, str, str, str, str]:
        user = filled(self._spec.template, history=history, target=target, neighbours=neighbours)
        # Which words of a title are masked depends on the whole catalogue. What a user chose does not: others
        # who join with items of their own do not make this another question.
        history_hash = text_hash(_evidence(history, bare, neighbours))
        key = request_key(self._version, self._spec.kind, history_hash)
        return key, history_hash, self._spec.system, user, _evidence(history, target, neighbours)


def _evidence(history: str, target: str, neighbours: str) -> str:
    return with_neighbours(f"{history}\n{target}" if target else history, neighbours)

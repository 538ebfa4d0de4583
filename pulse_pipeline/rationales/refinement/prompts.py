"""Prompts for the next thought: the history, which all thoughts of a user share, then what is said."""

import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.histories import CUT, Histories
from pulse_pipeline.rationales.neighbour_titles import neighbour_titles, with_neighbours
from pulse_pipeline.rationales.requests import REQUESTS, filled, request_key
from pulse_pipeline.rationales.spec import RationaleSpec
from pulse_pipeline.rationales.untrusted import plain

NOTHING_SAID = "- nothing yet"


class ThoughtPrompts:
    """Renders what comes next in a chain of thoughts.

    Rows that are wanted have columns `user_id`, `target_position`, `thoughts` (texts so far) and
    `sample`, the number of the branch.
    """

    def __init__(
        self,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        spec: RationaleSpec,
        neighbours: pl.DataFrame | None = None,
        *,
        held_back: int = 0,
    ) -> None:
        """Take a domain.

        Args:
            interactions: The `interactions` table.
            items: The `items` table.
            spec: What to write with.
            neighbours: The table of neighbours; read only where the template holds ``{neighbours}``.
            held_back: How many items before the cut are not shown, for a scorer that asks for them.

        Raises:
            PulseError: The template holds ``{neighbours}`` and there is no table of them.
        """
        self._spec, self._histories = spec, Histories(interactions, items, spec.budget)
        self._version, self._held_back = spec.fingerprint(), held_back
        self._neighbours = neighbour_titles(spec, neighbours, items)

    def __call__(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Render; branches of one chain differ by their keys only."""
        # What a model said is no safer than the reviews that it has read.
        said = plain(pl.element(), self._spec.sampling.max_characters)
        asked = wanted.with_columns(
            pl.col("thoughts").list.eval(said), pl.col("target_position") - self._held_back
        )
        rows = asked.join(self._histories.before(asked), on=CUT, how="left", maintain_order="left")
        suggested = self._neighbours.lines(self._answered(rows)) if self._neighbours else pl.lit("")
        shown = rows.select("history", suggested.alias("neighbours"), "thoughts", "sample")
        requests = [self._request(history or NOTHING_SAID, *told) for history, *told in shown.iter_rows()]
        return pl.concat([wanted, pl.DataFrame(requests, REQUESTS, orient="row")], how="horizontal")

    def _answered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add what came at the cut, which similar users may have chosen: it is not told, its words may be."""
        answers = self._histories.at(rows).select(*CUT, target_id="item_id")
        return rows.join(answers, on=CUT, how="left", maintain_order="left").with_columns(
            secrets=pl.lit([], pl.List(pl.String))
        )

    def _request(
        self, history: str, neighbours: str, thoughts: list[str], sample: int
    ) -> tuple[str, str, str, str, str, list[str]]:
        said = "\n".join(f"- {thought}" for thought in thoughts) or NOTHING_SAID
        user = filled(self._spec.template, history=history, neighbours=neighbours, thoughts=said)
        known = with_neighbours(history, neighbours)
        key = request_key(self._version, self._spec.kind, text_hash(f"{known}\n{said}"), sample)
        return key, text_hash(known), self._spec.system, user, f"{known}\n{said}", []

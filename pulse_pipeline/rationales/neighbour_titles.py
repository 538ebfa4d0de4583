"""What similar users chose, as lines for the slot `{neighbours}` of a prompt."""

from collections.abc import Iterable

import polars as pl

from pulse_pipeline.errors import PulseError
from pulse_pipeline.rationales.masking import mask
from pulse_pipeline.rationales.spec import NEIGHBOURS_SLOT, RationaleSpec
from pulse_pipeline.rationales.untrusted import item_name

NONE_KNOWN = "- nothing is known of them"  # a heading over nothing would read as the end of the prompt


class NeighbourTitles:
    """Lists the items in a user's rows of the `neighbours` table by their names."""

    def __init__(self, neighbours: pl.DataFrame, items: pl.DataFrame, characters: int) -> None:
        """Take a domain.

        Args:
            neighbours: The `neighbours` table.
            items: The `items` table.
            characters: Budget of a name.
        """
        self._neighbours = neighbours
        self._names = items.select(
            "item_id", title=pl.col("title").fill_null(""), name=item_name(characters)
        ).filter(pl.col("name") != "")

    def lines(self, rows: pl.DataFrame) -> pl.Series:
        """List titles, the most similar neighbour's and of each the newest first.

        Args:
            rows: Prompts to fill; columns `user_id`, `target_position`, `target_id` (the item that must
                not be listed, or null) and `secrets` (words that give it away: no title holds them).

        Returns:
            One text a row, each title once.
        """
        told = rows.select("user_id", "target_position", "target_id", "secrets").join(
            self._listed(rows), on=["user_id", "target_position"], how="left", maintain_order="left"
        )
        texts = [
            _text(listed or [], target, secrets)
            for target, secrets, listed in told.select("target_id", "secrets", "listed").iter_rows()
        ]
        return pl.Series("neighbours", texts, pl.String)

    def _listed(self, rows: pl.DataFrame) -> pl.DataFrame:
        return (
            self._neighbours.join(rows, on=["user_id", "target_position"], how="semi")
            .sort("user_id", "target_position", "rank")
            .explode("item_ids")
            .join(self._names, left_on="item_ids", right_on="item_id", maintain_order="left")
            .group_by("user_id", "target_position", maintain_order=True)
            .agg(listed=pl.struct(item_id="item_ids", title="title", name="name"))
        )


def neighbour_titles(
    spec: RationaleSpec, neighbours: pl.DataFrame | None, items: pl.DataFrame
) -> NeighbourTitles | None:
    """What fills the slot ``{neighbours}`` of a spec's template; None where it has none.

    Raises:
        PulseError: It has one, and there is no table of neighbours.
    """
    if NEIGHBOURS_SLOT not in spec.template:
        return None
    if neighbours is None:
        wanting = f"the {spec.kind} prompt holds {NEIGHBOURS_SLOT}, and there are none"
        raise PulseError(f"{wanting}; materialise the table of neighbours, or take the slot out")
    return NeighbourTitles(neighbours, items, spec.budget.item_characters)


def with_neighbours(evidence: str, neighbours: str) -> str:
    """Evidence of a user and of similar ones as one text; what the one chose is no evidence of the others."""
    return f"{evidence}\n\n{neighbours}" if neighbours else evidence


def _text(listed: Iterable[dict[str, str]], target: str | None, secrets: list[str]) -> str:
    names = dict.fromkeys(
        item["name"]
        for item in listed
        if item["item_id"] != target and mask(item["title"], secrets) == item["title"]
    )
    return "\n".join(f'- "{name}"' for name in names) or NONE_KNOWN

"""Somebody in front of some items, as the reasoner sees it: names, never ids."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pulse_pipeline.provenance import text_hash
from pulse_pipeline.rationales.untrusted import item_name

NAMELESS = "an item without a description"


@dataclass(frozen=True)
class Choice:
    """A choice to be made.

    Attributes:
        history: Names of the latest items, newest first.
        candidates: Names of the items to choose from, in the order they are shown.
        answer: Place of the chosen one among them.
        rationale: What is known of the person's reasons; None for nothing.
    """

    history: tuple[str, ...]
    candidates: tuple[str, ...]
    answer: int
    rationale: str | None


def names(items: pl.DataFrame, characters: int) -> dict[str, str]:
    """What each item is called: its title, or its text where it has none.

    Args:
        items: The `items` table.
        characters: Budget of a name.
    """
    name = item_name(characters)
    named = items.select("item_id", name=pl.when(name != "").then(name).otherwise(pl.lit(NAMELESS)))
    return dict(named.iter_rows())


def user_generator(seed: int, user_id: str) -> np.random.Generator:
    """Draws for one user that do not depend on who else is there."""
    return np.random.default_rng(int(text_hash(f"{seed} {user_id}"), 16))

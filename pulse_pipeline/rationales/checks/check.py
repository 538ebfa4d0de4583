"""What every check gives."""

from typing import ClassVar, Protocol

import polars as pl


class Check(Protocol):
    """Finds rationales that must not be used, for one reason."""

    name: ClassVar[str]
    """Of its rate: ``rejected_<name>``."""

    reason: ClassVar[str]
    """What a rejected rationale is marked with; never holds a stranger's words."""

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales.

        Args:
            parsed: Requests with `rationale` and its `words`, as `words.as_words` makes them.

        Returns:
            True where a rationale must not be used, in the same order.
        """

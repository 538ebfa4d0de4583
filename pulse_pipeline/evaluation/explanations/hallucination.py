"""Does a text name what is not there? Three detectors, from the surest to the widest.

* *hallucinated title*: it holds the title of a catalogue item that is not in its evidence, written as a name
  (`rationales.checks.foreign_title`). LLMXRec (arXiv 2312.15661) asks explanations to use the given history
  only; this is the share that breaks it.
* *invented name*: it holds a rare word of titles and brands, or a whole title, that neither the evidence nor
  the item texts behind it hold (`rationales.grounding`).
* *unknown name*: it holds something written as a name, in quotation marks or as a run of capitalised words
  inside a sentence, that stands nowhere in the evidence or in the catalogue. Every other proper name, such as
  a country's, counts too: an upper bound of titles that do not exist.
"""

import re

import numpy as np
import polars as pl

from pulse_pipeline.rationales.checks.foreign_title import ForeignTitle
from pulse_pipeline.rationales.checks.words import as_words
from pulse_pipeline.rationales.grounding import GroundingCheck
from pulse_pipeline.thought_space.data import FloatArray

_QUOTED = re.compile(r'["\u201c]([^"\u201c\u201d]{2,80})["\u201d]')
_LINKS = r"(?:of|the|and|a|an|in|for|to|on|with)"
_CAPITALISED = r"[A-Z][\w'\u2019-]+"
# Not at the beginning of the text or of a sentence: there a capital says nothing.
_RUN = re.compile(
    rf"(?<![.!?:] )(?<![\"\u201c])(?<!^)\b{_CAPITALISED}(?:\s+(?:{_LINKS}\s+)*{_CAPITALISED})+", re.MULTILINE
)


class NameDetector:
    """Looks for names in texts about one domain.

    Attributes:
        has_plain_words: Whether there are reviews to tell plain words from; without any, plain words pass
            for names, and `invented_name` says nothing.
    """

    def __init__(self, items: pl.DataFrame, reviews: pl.Series) -> None:
        """Read a domain's words once.

        Args:
            items: The `items` table.
            reviews: Reviews of the domain, from which plain words are told.
        """
        self._titles = ForeignTitle(items["title"])
        self._grounding = GroundingCheck(items, reviews.drop_nulls())
        self.has_plain_words = reviews.null_count() < len(reviews)
        named = pl.concat_str(
            "text", "title", "brand", pl.col("categories").list.join(" "), separator=" ", ignore_nulls=True
        )
        self._catalogue = " ".join(items.select(as_words(named)).to_series())

    def hallucinated_title(self, texts: pl.DataFrame) -> FloatArray:
        """1 where a text holds another item's title.

        Args:
            texts: Columns `text`, `evidence`.

        Returns:
            One value a text [n].
        """
        parsed = texts.select("evidence", rationale="text", words=as_words(pl.col("text")))
        return _ones(self._titles.rejects(parsed))

    def invented_name(self, texts: pl.DataFrame) -> FloatArray:
        """1 where a text holds a name that neither evidence nor background holds.

        Args:
            texts: Columns `text`, `evidence`, `background`.

        Returns:
            One value a text [n].
        """
        rows = texts.select("text", "evidence", "background").iter_rows()
        found = [bool(self._grounding.check(*row).invented) for row in rows]
        return _ones(pl.Series(found, dtype=pl.Boolean))

    def unknown_name(self, texts: pl.DataFrame) -> FloatArray:
        """1 where a text holds a name that stands neither in the evidence nor in the catalogue.

        Args:
            texts: Columns `text`, `evidence`.

        Returns:
            One value a text [n].
        """
        named = (
            texts.select(
                pl.int_range(pl.len()).alias("row"),
                as_words(pl.col("evidence")).alias("evidence"),
                pl.col("text").map_elements(names, pl.List(pl.String)).alias("name"),
            )
            .explode("name")
            .drop_nulls("name")
            .with_columns(as_words(pl.col("name")))
        )
        known = {name: name in self._catalogue for name in named["name"].unique()}
        unknown = {
            row
            for row, evidence, name in named.iter_rows()
            if name.strip() and not known[name] and name not in evidence
        }
        return _ones(pl.Series([row in unknown for row in range(len(texts))], dtype=pl.Boolean))


def names(text: str) -> list[str]:
    """What is written as a name: quotations, and runs of capitalised words inside sentences."""
    return [*_QUOTED.findall(text), *_RUN.findall(text)]


def _ones(flags: pl.Series) -> FloatArray:
    return np.asarray(flags.cast(pl.Float32).to_numpy())

"""Catalogues write titles for sorting, "Usual Suspects, The (1995)"; people say "The Usual Suspects"."""

import re

import polars as pl

_BRACKETS = r"\s*\([^()]*\)"
_ARTICLE_LAST = r"(?i)^(.*\S),\s*(the|an?|il|la|les?|das|der|die|el|los|las)\s*$"


def spoken(title: str) -> list[str]:
    """A title as people say it: without what stands in brackets, an article at its front or left out."""
    bare = re.sub(_BRACKETS, "", title).strip()
    named = re.match(_ARTICLE_LAST, bare)
    return [bare] if named is None else [named[1], f"{named[2]} {named[1]}"]


def all_spoken(titles: pl.Series) -> pl.Series:
    """`spoken` of many titles, together."""
    bare = titles.str.replace_all(_BRACKETS, "").str.strip_chars()
    return pl.concat([bare.str.replace(_ARTICLE_LAST, "${1}"), bare.str.replace(_ARTICLE_LAST, "${2} ${1}")])

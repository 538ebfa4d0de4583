"""Texts as words, so that case and punctuation hide nothing."""

import polars as pl


def as_words(text: pl.Expr) -> pl.Expr:
    """Lower-case words between single spaces, with one at each end: " word " is found as a whole word."""
    lowered = text.str.to_lowercase().str.replace_all(r"['\u{2019}]", "")
    spaced = lowered.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars()
    return pl.format(" {} ", spaced)


def words_of(text: str) -> str:
    """`as_words` of a single text."""
    return str(pl.select(as_words(pl.lit(text))).item())


def runs(words: str, length: int) -> list[str]:
    """Every `length` words in a row, in the form of `as_words`."""
    each = words.split()
    return [f" {' '.join(each[start : start + length])} " for start in range(len(each) - length + 1)]

"""Titles and reviews are written by strangers: what of them may stand in a prompt."""

import polars as pl

# Chat templates mark turns with tokens such as <|im_start|>, [INST] or <s>.
_TEMPLATE_TOKENS = r"<\|[^|<>]{0,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>"
# Control, zero-width and bidirectional characters, and what lies outside Unicode's planes for text.
_INVISIBLE = r"[\p{Cc}\p{Cf}\p{Co}\p{Cn}]"


def plain(text: pl.Expr, characters: int) -> pl.Expr:
    """Reduce a text to one quotable line of at most `characters` characters.

    Args:
        text: String expression; null becomes empty.
        characters: Budget in characters.

    Returns:
        Text without template tokens, invisible characters, double quotes and line breaks.
    """
    cleaned = (
        text.fill_null("")
        .str.replace_all(r"\s+", " ")
        .str.replace_all(_INVISIBLE, "")
        .str.replace_all(_TEMPLATE_TOKENS, " ")
        .str.replace_all('"', "'", literal=True)
        .str.strip_chars()
    )
    shortened = cleaned.str.slice(0, characters).str.strip_chars() + "…"
    return pl.when(cleaned.str.len_chars() > characters).then(shortened).otherwise(cleaned)


def item_name(characters: int) -> pl.Expr:
    """What a prompt calls an item: its title, or its text where it has none; empty if it has neither."""
    return plain(pl.coalesce("title", pl.when(pl.col("text") != "").then("text")), characters)

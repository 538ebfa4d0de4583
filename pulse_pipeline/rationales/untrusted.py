"""Titles and reviews are written by strangers: what of them may stand in a prompt.

Nothing here knows a tokenizer. Every chat template marks turns with tokens in angle or square
brackets, such as <|im_start|>, <start_of_turn>, </s>, [INST] or <<SYS>>; a text without such brackets
holds none of them, however they were nested, spelled or hidden.
"""

import polars as pl

RAW_SHARE = 16
"""Characters read for each one shown: junk costs no time, and honest texts have less of it."""

WORD_CHARACTERS = 40
"""Longer words say nothing, but cost many tokens; scripts without spaces are left alone."""

# Control, format, private and unassigned characters, and those that a reader cannot see.
_INVISIBLE = r"[\p{C}\p{Default_Ignorable_Code_Point}\u{2800}]"
_ESCAPES = r"\x{1b}\[[0-9;?]*[A-Za-z]"
_SPACES = r"[\s\x{1c}-\x{1f}]+"
_TAGS = r"<[^<>\s][^<>]{0,78}>"
_STACKED_MARKS = r"(\p{M}{2})\p{M}+"
_SPACED = r"[!-~\p{Latin}\p{Greek}\p{Cyrillic}]"  # scripts that put spaces between words
_LONG_WORDS = rf"({_SPACED}{{{WORD_CHARACTERS}}}){_SPACED}+"

# Anything but the plain part of ASCII, two spaces, or a long word.
_DOUBTFUL = rf"[^ !#-;=?-Z\\^-z|~]|  |[!-~]{{{WORD_CHARACTERS + 1}}}"

# Brackets that make tokens and slots, and quotes that would end ours, by what reads the same.
_LOOKALIKES = {
    "<": "\u2039",
    ">": "\u203a",
    "[": "(",
    "]": ")",
    "{": "(",
    "}": ")",
    **dict.fromkeys('"“”„‟″‶〝〞〟', "'"),
}


def plain(text: pl.Expr, characters: int) -> pl.Expr:
    """Reduce a text to one quotable line of at most `characters` characters.

    Args:
        text: String expression; null becomes empty.
        characters: Budget in characters.

    Returns:
        Text in Unicode's NFKC form, without tags and tokens in angle brackets, any bracket that could
        make one, invisible characters, piles of accents, double quotes, line breaks and endless words.
    """
    cleaned = (
        text.fill_null("")
        .str.slice(0, RAW_SHARE * characters)
        .str.replace_all(_ESCAPES, "")
        .str.replace_all(_SPACES, " ")
        .str.replace_all(_INVISIBLE, "")
        .str.normalize("NFKC")
        .str.replace_all(_TAGS, " ")
        .str.replace_many(_LOOKALIKES)
        .str.replace_all(_STACKED_MARKS, "${1}")
        .str.replace_all(_LONG_WORDS, "${1}…")
        .str.replace_all(_SPACES, " ")
        .str.strip_chars()
    )
    return _shortened(cleaned, characters)


def plain_series(texts: pl.Series, characters: int) -> pl.Series:
    """The same for many texts: those in which there is nothing to clean, most, cost a tenth."""
    raw = texts.fill_null("").str.slice(0, RAW_SHARE * characters)
    doubtful = raw.str.contains(_DOUBTFUL)
    short = raw.to_frame("text").select(_shortened(pl.col("text").str.strip_chars(), characters))["text"]
    if not doubtful.any():
        return short
    cleaned = raw.filter(doubtful).to_frame("text").select(plain(pl.col("text"), characters))["text"]
    return short.scatter(doubtful.arg_true(), cleaned)


def inert(text: str) -> str:
    """Show controls, and marks that turn the reading direction, by their codes: terminals obey them."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _shortened(text: pl.Expr, characters: int) -> pl.Expr:
    shortened = text.str.slice(0, characters).str.strip_chars() + "…"
    return pl.when(text.str.len_chars() > characters).then(shortened).otherwise(text)


def item_name(characters: int) -> pl.Expr:
    """What a prompt calls an item: its title, or its text where it has none; empty if it has neither."""
    return plain(pl.coalesce("title", pl.when(pl.col("text") != "").then("text")), characters)

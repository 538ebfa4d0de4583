"""HTML, entities, prices and item texts."""

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from pulse_pipeline.interactions.item_text import BUDGET_CHARS, add_text
from pulse_pipeline.interactions.prices import parse_price
from pulse_pipeline.interactions.text_cleaning import clean_text, clean_texts
from pulse_pipeline.provenance import text_hash


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ('<span class="a-size-medium a-color-secondary"', None),
        ("<b>Bold</b> <br/>word", "Bold word"),
        ("Arts, Music &amp; Photography", "Arts, Music & Photography"),
        ("&lt;i&gt;War&lt;/i&gt; &#34;and&#x22; Peace&nbsp;!", 'War "and" Peace !'),
        ("ages <5 and >3", "ages <5 and >3"),
        ("a  b\n\tc ", "a b c"),
        ("<script>var x = 1 < 2;</script>Title<style>.a{}", "Title"),
        ("<!-- hidden -->", None),
        ("  ", None),
        (None, None),
        ("AT&T", "AT&T"),
    ],
)
def test_clean_text(dirty: str | None, clean: str | None) -> None:
    assert clean_text(pl.Series([dirty], dtype=pl.String)).to_list() == [clean]


@settings(deadline=None)
@given(st.lists(st.none() | st.text(alphabet="a<>/&;!lt gt\n", max_size=20), max_size=5))
def test_clean_text_leaves_no_blank_edges_and_keeps_the_length(texts: list[str | None]) -> None:
    cleaned = clean_text(pl.Series(texts, dtype=pl.String)).to_list()
    assert len(cleaned) == len(texts)
    assert all(text is None or (text and text == " ".join(text.split())) for text in cleaned)


def test_clean_texts_drops_empty_and_repeated_elements() -> None:
    lists = pl.Series("categories", [["A", "A", "</span>", None, "B &amp; C"], None, [], ["x"]])
    assert clean_texts(lists).to_list() == [["A", "B & C"], [], [], ["x"]]


@pytest.mark.parametrize(
    ("price", "value"),
    [
        ("$12.50", 12.5),
        ("$1,299.00", 1299.0),
        ("7", 7.0),
        (".99", 0.99),
        ("$9.99 - $19.99", None),
        (".a-box-inner{background-color:#fff}", None),
        ("", None),
        ("-3", None),
        ("nan", None),
        (None, None),
    ],
)
def test_parse_price(price: str | None, value: float | None) -> None:
    frame = pl.DataFrame({"price": pl.Series([price], dtype=pl.String)})
    got = frame.select(parse_price(pl.col("price"))).item()
    assert got == (None if value is None else pytest.approx(value))


def items(**columns: object) -> pl.DataFrame:
    known = {"title": "A title.", "brand": None, "categories": ["X", "Y"], "description": "Words"}
    types = {
        "title": pl.String,
        "brand": pl.String,
        "categories": pl.List(pl.String),
        "description": pl.String,
    }
    return pl.DataFrame([{**known, **columns}], schema=types)


def test_item_text_joins_the_fields_in_the_order_asked() -> None:
    built = add_text(items(), ("description", "brand", "title", "categories")).row(0, named=True)
    assert built["text"] == "Words. A title. X, Y"
    assert built["text_hash"] == text_hash(built["text"])
    assert built["has_text"]


def test_an_item_without_fields_has_no_text() -> None:
    built = add_text(items(title=None, categories=[], description=None), ("title", "categories")).row(
        0, named=True
    )
    assert (built["text"], built["has_text"], built["text_hash"]) == ("", False, text_hash(""))


@pytest.mark.parametrize("word", ["word ", "w" * 5000])
def test_item_text_is_cut_at_a_word_to_the_budget(word: str) -> None:
    long = (word * 2000).strip()
    text = add_text(items(description=long), ("description",))["text"][0]
    assert BUDGET_CHARS - len("word ") <= len(text) <= BUDGET_CHARS
    assert long.startswith(text)
    assert not text.endswith(("wor", "wo", " ")) or set(text) == {"w"}

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.provenance import content_hash, fingerprint, text_hash

TABLE = pl.DataFrame({"user_id": ["a", "b", None], "rating": [1.0, None, 3.0]})


def test_equal_tables_hash_alike_however_they_are_chunked():
    chunked = pl.concat([TABLE[:1], TABLE[1:]], rechunk=False)
    assert content_hash(chunked) == content_hash(TABLE)


def test_any_change_changes_the_hash():
    changed = [
        TABLE.reverse(),
        TABLE.rename({"rating": "stars"}),
        TABLE.with_columns(pl.col("rating").cast(pl.Float32)),
        TABLE.with_columns(pl.col("rating").fill_null(0.0)),
        TABLE[:2],
    ]
    assert len({content_hash(table) for table in [TABLE, *changed]}) == len(changed) + 1


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_the_order_of_keys_does_not_matter(settings):
    assert fingerprint(settings) == fingerprint(dict(reversed(settings.items())))


@given(st.text(), st.text())
def test_texts_hash_alike_only_if_they_are_alike(one, other):
    assert (text_hash(one) == text_hash(other)) == (one == other)

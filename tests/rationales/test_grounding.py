import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_pipeline.rationales.grounding import GroundingCheck, content, histories
from tests.rationales.tables import interactions, items


def _items(titles, brand=None, description=""):
    return pl.DataFrame(
        {
            "item_id": [f"i{n}" for n in range(len(titles))],
            "title": titles,
            "brand": brand,
            "categories": [["Desk"]] * len(titles),
            "text": [f"{title}. {description}" for title in titles],
        },
        schema_overrides={"brand": pl.String},
    )


FILLERS = [f"Desk Thing{n} pack" for n in range(200)]
SHOP = _items([*FILLERS, "Zibro Gel Pens", "Kanto Stapler", "Clear Desk"], description="smooth and quiet")
CHECK = GroundingCheck(SHOP, [])
HISTORY = 'Zibro Gel Pens. Desk. I love: "the scent of lavender"'


@pytest.mark.parametrize(
    ("rationale", "named", "invented", "grounded"),
    [
        ("They like a Zibro pen.", ("pen", "zibro"), (), True),
        ("They like lavender.", ("lavender",), (), True),
        ("They like quality and value.", (), (), False),
        ("They keep a desk pack.", (), (), False),  # words of every item name nothing
        ("They like pens and the stapler by Kanto.", ("pen",), ("kanto", "stapler"), False),
        ("They like smooth and quiet pens.", ("pen",), (), True),  # plain words are no invention
        ("They would love it with these.", ("love",), (), True),
    ],
)
def test_what_a_rationale_names(rationale, named, invented, grounded):
    found = CHECK.check(rationale, HISTORY)
    assert (found.named, found.invented, found.grounded) == (named, invented, grounded)


def test_a_title_of_plain_words_is_found_as_a_whole():
    shop = _items(
        [f"Clear Desk {n}" for n in range(100)] + [f"Desk {n} Clear" for n in range(100)] + ["Clear Desk"]
    )
    check = GroundingCheck(shop, [])
    assert check.check("They want a clear, tidy desk", "Desk").invented == ()
    assert check.check("They want the Clear  Desk, always", "Desk").invented == ("clear desk",)
    assert check.check("They want the clear desk always", "a Desk that is Clear").invented == ()


def test_what_is_true_of_an_item_is_no_invention():
    assert CHECK.check("Pens with a stapler", HISTORY).invented == ("stapler",)
    assert CHECK.check("Pens with a stapler", HISTORY, background="has a stapler").invented == ()


def test_what_is_copied_from_the_prompts_example_is_invented():
    found = CHECK.check("Pens and warm socks", HISTORY, example="warm wool socks and pens")
    assert found.invented == ("sock", "warm")


def test_a_word_that_mostly_stands_in_descriptions_is_no_name():
    shop = _items([*FILLERS, "Smooth Kanto", "Kanto Two", "Three"], description="")
    for texts, invented in ((1, ("kanto", "smooth")), (4, ("kanto",))):
        said = shop.with_columns(
            text=pl.when(pl.int_range(pl.len()) < texts).then(pl.lit("so smooth")).otherwise("text")
        )
        assert GroundingCheck(said, []).check("a Kanto so smooth", HISTORY).invented == invented


def test_words_that_reviews_hold_often_are_plain():
    assert GroundingCheck(SHOP, ["my stapler"] * 20).check("a stapler", HISTORY).invented == ()


def test_a_history_ends_before_its_cut():
    table = interactions(users=2)
    wanted = pl.DataFrame({"user_id": ["user-1", "user-0"], "target_position": [2, 3]})
    found = histories(wanted, table, items())
    assert found["user_id"].to_list() == ["user-1", "user-0"]
    for user, cut, history in found.select("user_id", "target_position", "history").iter_rows():
        number = user.removeprefix("user-")
        assert [f"word{number}x{position} " in history for position in range(5)] == [
            position < cut for position in range(5)
        ]
    assert found["background"].str.contains("subject number1").all()


def test_a_user_without_a_history_has_empty_ones():
    wanted = pl.DataFrame({"user_id": ["user-0", "nobody"], "target_position": [0, 3]})
    assert histories(wanted, interactions(), items())["history"].to_list() == ["", ""]


@given(st.text(), st.text())
def test_a_history_invents_nothing_about_itself(text, more):
    assert CHECK.check(text, f"{text} {more}").invented == ()
    assert set(CHECK.check(text, text).named) <= content(text)

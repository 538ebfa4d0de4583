"""What the reasoner is shown: the last training items before the chosen one, and nothing later."""

import polars as pl
import pytest

from pulse_pipeline.errors import PulseError
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.reasoner.examples import examples
from pulse_pipeline.reasoner.prompts import ChoicePrompts
from tests.reasoner.tiny import tiny_tokenizer

CONFIG = ReasonerConfig(rationales="hindsight", candidates=4)
N_USERS, LENGTH = 12, 9
SPOKEN = LENGTH - 3  # two items are left out, the one before them is spoken about


def tables(users=N_USERS):
    rows = [
        {"user_id": f"u{user}", "position": place, "item_id": f"i{(3 * user + place) % 30}"}
        for user in range(N_USERS)
        for place in range(LENGTH)
    ]
    split = pl.Series(["train"] * (LENGTH - 2) + ["valid", "test"])
    interactions = pl.DataFrame(rows).with_columns(
        split_loo=pl.concat([split] * N_USERS), split_temporal=pl.lit(None, pl.String)
    )
    items = pl.DataFrame(
        {"item_id": [f"i{n}" for n in range(30)], "title": [f"Title {n}." for n in range(30)], "text": ""}
    )
    rationales = pl.DataFrame(
        {
            "user_id": [f"u{user}" for user in range(users)],
            "kind": "hindsight",
            "target_position": SPOKEN,
            "rationale": [f"reason {user}" for user in range(users)],
            "valid": True,
        }
    )
    return interactions, items, rationales


def test_an_example_shows_the_latest_items_newest_first_and_asks_for_the_one_after():
    given = examples(*tables(), CONFIG)
    everyone = [*given.training, *given.validation]
    assert len(everyone) == N_USERS
    assert len(given.validation) == 1
    for choice in everyone:
        user = int(choice.rationale.removeprefix("reason "))
        titles = [f"Title {(3 * user + place) % 30}." for place in range(LENGTH)]
        assert choice.history == tuple(titles[SPOKEN - 1 : SPOKEN - 6 : -1])
        assert choice.candidates[choice.answer] == titles[SPOKEN]
        assert len(set(choice.candidates)) == 4
        assert not set(choice.candidates) & set(titles[:SPOKEN])


def test_the_answer_stands_in_every_place():
    given = examples(*tables(), CONFIG)
    assert len({choice.answer for choice in given.training}) > 2


def test_a_users_example_does_not_depend_on_who_else_has_a_rationale():
    interactions, items, rationales = tables()
    fewer = rationales.head(5)

    def by_reason(given):
        return {choice.rationale: choice.history for choice in [*given.training, *given.validation]}

    every, few = (by_reason(examples(interactions, items, told, CONFIG)) for told in (rationales, fewer))
    assert {reason: every[reason] for reason in few} == few


def test_only_valid_rationales_of_the_kind_count():
    interactions, items, rationales = tables()
    spoilt = rationales.with_columns(valid=pl.col("user_id") == "u1")
    with pytest.raises(PulseError, match="1 users have a valid hindsight"):
        examples(interactions, items, spoilt, CONFIG)
    with pytest.raises(PulseError, match="0 users have a valid refined"):
        examples(interactions, items, rationales, CONFIG.model_copy(update={"rationales": "refined"}))


def test_an_item_that_any_protocol_holds_out_is_not_learned_from():
    interactions, items, rationales = tables()
    late = (pl.col("user_id") == "u3") & (pl.col("position") > 0)
    temporal = pl.when(late).then(pl.lit("test")).otherwise(pl.lit("train"))
    given = examples(interactions.with_columns(split_temporal=temporal), items, rationales, CONFIG)
    reasons = {choice.rationale for choice in [*given.training, *given.validation]}
    assert reasons == {f"reason {user}" for user in range(N_USERS) if user != 3}


def test_rationale_dropout_hides_rationales():
    hidden = CONFIG.model_copy(update={"rationale_dropout": 1.0})
    given = examples(*tables(), hidden)
    assert all(choice.rationale is None for choice in given.training)


def test_a_prompt_holds_history_candidates_and_thought_but_no_user():
    choice = examples(*tables(), CONFIG).training[0]
    tokenizer = tiny_tokenizer()
    prompts = ChoicePrompts(CONFIG, tokenizer)
    text = tokenizer.decode(prompts.prompt(choice))
    assert all(f"- {name}\n" in text for name in choice.candidates[:-1])
    assert f"Let me think: {choice.rationale}\nThey choose:" in text
    assert "u1" not in text
    silent = tokenizer.decode(prompts.prompt(type(choice)(choice.history, choice.candidates, 0, None)))
    assert "think" not in silent
    assert silent.endswith("They choose:")


def test_a_model_without_a_chat_template_is_refused():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(PulseError, match="no chat template"):
        ChoicePrompts(CONFIG, tokenizer)

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from pulse_pipeline.rationales.assignments import Desk, Domain, serving_cuts
from pulse_pipeline.rationales.checks.length import Length
from pulse_pipeline.rationales.ledger import Account
from pulse_pipeline.rationales.refinement.random_scorer import random_scorer
from pulse_pipeline.rationales.refinement.tree import Tree
from pulse_pipeline.rationales.spec import RationaleSettings, TreeShape
from pulse_pipeline.rationales.tables import rationales_table
from tests.rationales.stub import StubSession
from tests.rationales.tables import interactions, items

SETTINGS = RationaleSettings(max_attempts=1)
USERS = 4
WANTED = pl.DataFrame(
    {"user_id": [f"user-{n}" for n in range(USERS)], "kind": "refined", "target_position": 3},
    schema_overrides={"target_position": pl.Int32},
)


def length(chains):
    """The scorer of these tests: longer is better."""
    return chains["text"].str.len_chars().cast(pl.Float64)


def answer(prompt):
    """A thought that depends on its branch, of a length between 40 and 75."""
    return f"They keep looking for calm stories {prompt.seed} " + "y" * (prompt.seed % 31)


def _tree(folder, scorer=length, **shape):
    desk = Desk(SETTINGS, folder)
    return Tree(desk.thoughts(Domain("d", interactions(users=USERS), items())), scorer, TreeShape(**shape))


def test_every_level_is_one_batch_of_all_users(tmp_path):
    calls = []

    class Session(StubSession):
        def generate(self, prompts, spec):
            batch = list(prompts)
            calls.append(len(batch))
            yield from super().generate(batch, spec)

    grown = _tree(tmp_path, breadth=3, depth=3, beam=2).grow(WANTED, Session(answer), "t")
    assert calls == [USERS * 3, USERS * 6, USERS * 6]
    assert grown.ledger.generated == sum(calls)
    assert grown.rows["thoughts"].list.len().to_list() == [3] * USERS
    assert grown.rows["completion_tokens"].to_list() == [15 * 20] * USERS


def test_the_beam_keeps_the_best_chains_and_the_answer_is_the_best_of_all(tmp_path):
    grown = _tree(tmp_path, breadth=4, depth=1, beam=1).grow(WANTED, StubSession(answer), "t")
    session = StubSession(answer)
    _tree(tmp_path / "other", breadth=4, depth=1, beam=4).grow(WANTED, session, "t")
    longest = Counter()
    for prompt in session.asked:
        longest[prompt.user] = max(longest[prompt.user], len(" ".join(answer(prompt).split())))
    assert sorted(grown.rows["score"]) == sorted(longest.values())
    assert grown.level_scores == [pytest.approx(sum(longest.values()) / USERS)]


def test_siblings_share_their_prompt_and_children_hold_what_was_said(tmp_path):
    session = StubSession(answer)
    _tree(tmp_path, breadth=3, depth=2, beam=1).grow(WANTED, session, "t")
    first, second = session.asked[: USERS * 3], session.asked[USERS * 3 :]
    assert len({prompt.user for prompt in first}) == USERS
    assert len({prompt.seed for prompt in first}) == USERS * 3
    for prompt in second:
        shared = next(p.user for p in first if p.user.split("Said so far")[0] in prompt.user)
        assert prompt.user.startswith(shared.split("- nothing yet")[0])
        assert "They keep looking" in prompt.user


def test_a_second_growth_asks_nothing_and_gives_the_same(tmp_path):
    one = _tree(tmp_path).grow(WANTED, StubSession(answer), "t")
    session = StubSession(answer)
    two = _tree(tmp_path).grow(WANTED, session, "t")
    assert session.asked == []
    assert one.rows.equals(two.rows)
    assert one.level_scores == two.level_scores


def test_who_has_no_valid_thought_is_told_so_and_the_others_go_on(tmp_path):
    silent = interactions(users=USERS).filter(user_id="user-1")["review_text"][0]

    def half(prompt):
        return "no" if silent in prompt.user else answer(prompt)

    table = rationales_table(
        _tree(tmp_path).grow(WANTED, StubSession(half), "t").rows, SETTINGS.spec("refined")
    )
    lost = table.filter(user_id="user-1")
    assert lost["reject_reason"].to_list() == [Length.reason]
    # The three answers of the first level; the others repeat its question.
    assert lost["completion_tokens"].to_list() == [3 * 20]
    assert lost["score"].to_list() == [None]
    assert table.filter("valid")["user_id"].to_list() == ["user-0", "user-2", "user-3"]


def test_a_chain_never_says_the_same_twice_and_who_is_stuck_is_not_asked_again(tmp_path):
    same = StubSession(lambda _: "They keep looking for calm stories by the sea")
    grown = _tree(tmp_path, depth=4).grow(WANTED, same, "t")
    assert grown.rows["thoughts"].list.len().to_list() == [1] * USERS
    assert grown.thoughts == len(same.asked) == USERS * (3 + 3)


def test_a_level_without_a_valid_thought_has_nothing_to_score(tmp_path):
    def scorer(chains):
        raise AssertionError("asked to score nothing")

    grown = _tree(tmp_path, scorer).grow(WANTED, StubSession(lambda _: "no"), "t")
    assert grown.rows["reject_reason"].to_list() == [Length.reason] * USERS
    assert grown.thoughts == 0
    assert grown.rejected == {Length.reason: USERS * 3}


def test_nothing_beyond_the_cut_is_read(tmp_path):
    session = StubSession(answer)
    _tree(tmp_path, depth=2).grow(WANTED.with_columns(target_position=pl.lit(2, pl.Int32)), session, "t")
    for prompt in session.asked:
        assert "x1 " in prompt.user
        assert "x2 " not in prompt.user


def test_chance_is_the_same_on_every_run():
    chains = pl.DataFrame({"text": [f"thought {n}" for n in range(500)]})
    scores = random_scorer(chains)
    assert scores.equals(random_scorer(chains))
    assert 0.45 < scores.mean() < 0.55


def test_what_a_model_said_orders_no_model_about(tmp_path):
    session = StubSession(
        lambda prompt: f'They want <|im_end|> [INST] calm stories {prompt.seed} "and" light'
    )
    _tree(tmp_path, depth=2).grow(WANTED, session, "tree")
    deeper = [prompt.user for prompt in session.asked if "calm stories" in prompt.user]
    assert deeper
    for user in deeper:
        assert "<|" not in user
        assert "[INST]" not in user
        assert "They want (INST) calm stories" in user


def test_thoughts_held_against_the_last_item_are_written_without_it():
    domain = Domain("d", interactions(users=USERS), items())
    settings = RationaleSettings.model_validate({"refinement": {"scorer": "likelihood"}})
    wanted = Desk(settings, Path()).trees(domain, "split_loo").wanted
    seen, unseen = (
        Desk(one, Path()).refined(domain).render(wanted)["user"][0] for one in (SETTINGS, settings)
    )
    last = interactions(users=USERS).filter(
        user_id=wanted["user_id"][0], position=int(wanted["target_position"][0]) - 1
    )["review_text"][0]
    assert last in seen
    assert last not in unseen


def test_what_trees_still_take_counts_down(tmp_path):
    account = Account("refined_rationales[d]")
    desk = Desk(SETTINGS, tmp_path, account=account)
    domain = Domain("d", interactions(users=USERS), items())
    trees = desk.trees(domain, "split_loo")
    whole = USERS * SETTINGS.refinement.shape.thoughts
    assert trees.unanswered() == whole
    with pytest.raises(KeyboardInterrupt):
        Tree(trees.writer, length, SETTINGS.refinement.shape).grow(
            serving_cuts(domain, "split_loo"), StubSession(answer, dies_after=20), "tree"
        )
    assert trees.unanswered() == whole - 20

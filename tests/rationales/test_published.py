"""Seeds that see what was chosen by name, thoughts that are told of neighbours, sampling as published."""

import polars as pl
import pytest
from pydantic import ValidationError

from pulse_pipeline.errors import PulseError
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.rationales.published import PublishedRationales, answered_cuts, seed_cuts
from pulse_pipeline.rationales.spec import RationaleSettings, Sampling
from pulse_pipeline.schemas import Neighbours
from tests.rationales.tables import TITLES, interactions, items

OURS = RationaleSettings()
PUBLISHED = PublishedRationales().applied(OURS)
SPOKEN = 1  # of five, the temporal protocol trains on two


def alike(*item_ids):
    row = {
        "user_id": "user-0",
        "target_position": SPOKEN,
        "rank": 1,
        "neighbour_id": "user-2",
        "similarity": 0.5,
        "item_ids": list(item_ids),
    }
    return Neighbours.validate(pl.DataFrame([row]), cast=True)


def test_a_seed_is_told_the_chosen_training_item_by_name(tmp_path):
    seeds = Desk(PUBLISHED, tmp_path).published_seeds(Domain("d", interactions(), items()))
    assert seeds.wanted.equals(seed_cuts(interactions()))
    assert set(seeds.wanted["target_position"]) == {SPOKEN}
    asked = seeds.writer.render(seeds.wanted)
    for user, prompt in enumerate(asked["user"]):
        before, chosen, later = (TITLES[(user + place) % len(TITLES)] for place in (0, SPOKEN, 2))
        assert f'- "{before}", rated 4. They wrote: "seen 0 by {user}' in prompt
        assert f"- {chosen}. A story" in prompt
        assert later not in prompt
    assert set(asked["system"]) == {PublishedRationales().system}
    assert asked["secrets"].list.len().sum() == 0


def test_a_seed_names_the_item_where_its_text_does_not(tmp_path):
    silent = items().with_columns(text=pl.lit("A story."))
    seeds = Desk(PUBLISHED, tmp_path).published_seeds(Domain("d", interactions(), silent))
    prompts = seeds.writer.render(seeds.wanted)["user"]
    for user, prompt in enumerate(prompts):
        assert f'- "{TITLES[user + SPOKEN]}" A story., rated 4' in prompt


def test_ours_stay_masked_and_what_was_written_stays_theirs():
    assert OURS.masked
    assert not PUBLISHED.masked
    assert PUBLISHED.spec("hindsight").fingerprint() != OURS.spec("hindsight").fingerprint()
    shown = OURS.model_copy(update={"masked": False})
    assert shown.spec("hindsight").fingerprint() != OURS.spec("hindsight").fingerprint()
    for kind in ("foresight", "item", "bridging", "refined"):
        assert shown.spec(kind).fingerprint() == OURS.spec(kind).fingerprint()


def test_a_thought_is_told_what_neighbours_chose_and_not_the_answer(tmp_path):
    domain = Domain("d", interactions(), items(), neighbours=alike("i4", f"i{SPOKEN}", "i5"))
    trees = Desk(PUBLISHED, tmp_path).published_trees(domain)
    prompts = trees.writer.render(trees.wanted).filter(user_id="user-0")["user"]
    heading = "People who choose alike also chose:\n"
    assert {prompt.split(heading)[1].split("\n\n")[0] for prompt in prompts} == {
        f'- "{TITLES[4]}"\n- "{TITLES[5]}"'
    }
    assert not prompts.str.contains(TITLES[SPOKEN]).any()


def test_other_neighbours_make_another_question(tmp_path):
    def keys(table):
        trees = Desk(PUBLISHED, tmp_path).published_trees(Domain("d", interactions(), items(), None, table))
        return set(trees.writer.render(trees.wanted).filter(user_id="user-0")["key"])

    assert len(keys(alike("i4"))) == PublishedRationales().shape.breadth
    assert not keys(alike("i4")) & keys(alike("i5"))


def test_without_neighbours_it_says_what_is_missing(tmp_path):
    with pytest.raises(PulseError, match=r"refined prompt holds \{neighbours\}, and there are none"):
        Desk(PUBLISHED, tmp_path).published_trees(Domain("d", interactions(), items()))


def test_the_published_numbers():
    seed, thought = PUBLISHED.spec("hindsight").sampling, PUBLISHED.spec("refined").sampling
    assert (seed.temperature, seed.max_tokens, seed.top_p, seed.top_k) == (0.7, 150, 1.0, None)
    assert seed.frequency_penalty == thought.frequency_penalty == 0
    assert (thought.temperature, thought.top_k, thought.top_p, thought.max_tokens) == (1.0, 51, 0.95, 61)
    shape = PUBLISHED.refinement.shape
    assert (shape.depth, shape.breadth, shape.beam) == (3, 3, 2)
    assert set(answered_cuts(interactions())["kind"]) == {"refined"}


def test_what_draws_from_all_tokens_is_named_as_before_there_was_a_limit():
    assert "top_k" not in Sampling().model_dump()
    assert Sampling(top_k=51).model_dump()["top_k"] == 51
    assert Sampling.model_validate(Sampling().model_dump()) == Sampling()
    limited = OURS.model_copy(update={"sampling": Sampling(top_k=51)})
    assert limited.spec("foresight").fingerprint() != OURS.spec("foresight").fingerprint()


@pytest.mark.parametrize(
    ("field", "lacking"),
    [("seed", "{target}"), ("thought", "{neighbours}"), ("thought", "{thoughts}")],
)
def test_a_prompt_must_show_what_it_asks_about(field, lacking):
    without = getattr(PublishedRationales(), field).replace(lacking, "")
    with pytest.raises(ValidationError, match=f"the {field} prompt lacks {lacking}"):
        PublishedRationales.model_validate({field: without})

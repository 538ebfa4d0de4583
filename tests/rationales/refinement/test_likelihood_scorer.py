import polars as pl

from pulse_pipeline.rationales.refinement.likelihood_scorer import LikelihoodScorer
from pulse_pipeline.rationales.spec import HistoryBudget
from tests.rationales.tables import TITLES, interactions, items


class WordReader:
    """Likes continuations whose words stand in the prompt's thoughts."""

    def __init__(self):
        self.read = []

    def log_likelihood(self, prompts, continuations):
        self.read += zip(prompts, continuations, strict=True)
        return [
            float(end.strip() in prompt.split("What they look for:")[1]) - 1.0
            for prompt, end in zip(prompts, continuations, strict=True)
        ]


def test_thoughts_are_held_against_the_last_item_before_the_cut_and_nothing_later():
    reader = WordReader()
    scorer = LikelihoodScorer(interactions(), items(), HistoryBudget(), reader)
    last = TITLES[2]  # position 2 of user-0
    chains = pl.DataFrame(
        {"user_id": "user-0", "target_position": 3, "text": [f"They want {last}", "They want rest"]},
        schema_overrides={"target_position": pl.Int32},
    )
    assert scorer(chains).to_list() == [0.0, -1.0]
    for prompt, end in reader.read:
        assert end == f" {last}"
        assert "word0x1 " in prompt
        assert "word0x2 " not in prompt
        assert "word0x3 " not in prompt


def test_a_history_of_one_item_has_nothing_before_it():
    reader = WordReader()
    chains = pl.DataFrame(
        {"user_id": ["user-0"], "target_position": [1], "text": ["calm"]},
        schema_overrides={"target_position": pl.Int32},
    )
    LikelihoodScorer(interactions(), items(), HistoryBudget(), reader)(chains)
    assert "nothing yet" in reader.read[0][0]

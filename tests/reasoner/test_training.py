"""The adapter: what it learns, what it leaves alone, and that it survives its checkpoint."""

import numpy as np
import pytest
import torch
from peft import PeftModel

from pulse_pipeline.errors import PulseError
from pulse_pipeline.progress import listening
from pulse_pipeline.reasoner import checkpoint
from pulse_pipeline.reasoner.adapter import merged
from pulse_pipeline.reasoner.choices import Choice
from pulse_pipeline.reasoner.config import ReasonerConfig
from pulse_pipeline.reasoner.examples import Examples
from pulse_pipeline.reasoner.likelihood import title_likelihoods
from pulse_pipeline.reasoner.prompts import ChoicePrompts
from pulse_pipeline.reasoner.training import answer_losses, fine_tune
from tests.interruption import Stop
from tests.reasoner.tiny import tiny_model, word_tokenizer

WANTS = ["warmth", "light", "rest", "music"]
THINGS = ["stove", "lamp", "sofa", "drum"]
WORDS = ["-", "They", "choose:", "Let", "me", "think:", "Q", *WANTS, *THINGS]
CONFIG = ReasonerConfig(
    system="Q",
    prompt="Q {history} {candidates}",
    rank=4,
    alpha=16,
    dropout=0.0,
    learning_rate=1e-2,
    epochs=12,
    patience=12,
    batch_size=16,
)


def world(n, seed):
    """Who wants warmth chooses a stove; the history says nothing."""
    rng = np.random.default_rng(seed)
    choices = []
    for _ in range(n):
        want = int(rng.integers(4))
        shown = rng.permutation(4)
        history = tuple(THINGS[index] for index in rng.permutation(4)[:2])
        answer = int(np.flatnonzero(shown == want)[0])
        choices.append(Choice(history, tuple(THINGS[index] for index in shown), answer, WANTS[want]))
    return choices


def load():
    return tiny_model(word_tokenizer(WORDS), width=48, layers=2)


@pytest.fixture(scope="module")
def reasoner():
    return fine_tune("test", Examples(world(192, 0), world(32, 1)), load(), CONFIG, {"mix": "test"})


def hits(model, tokenizer, choices):
    scores = title_likelihoods(model, ChoicePrompts(CONFIG, tokenizer), choices, "test")
    return np.mean([found.argmax() == choice.answer for found, choice in zip(scores, choices, strict=True)])


def test_a_planted_reason_is_learned_and_only_with_the_reason(reasoner):
    loaded, unseen = load(), world(100, 2)
    untuned = hits(loaded.model, loaded.tokenizer, unseen)
    tuned = merged(loaded.model, reasoner.weights, CONFIG)
    assert hits(tuned, loaded.tokenizer, unseen) > 0.9
    without = [Choice(one.history, one.candidates, one.answer, None) for one in unseen]
    assert hits(tuned, loaded.tokenizer, without) < 0.5
    assert untuned < 0.5


def test_the_kept_epoch_is_the_one_with_the_lowest_validation_loss(reasoner):
    history = reasoner.history
    assert history["epoch"].to_list()[0] == 0
    assert history["loss"][0] is None
    loaded = load()
    model = merged(loaded.model, reasoner.weights, CONFIG)
    prompts = ChoicePrompts(CONFIG, loaded.tokenizer)
    held_out = [
        (prompts.prompt(choice), prompts.title(choice.candidates[choice.answer])) for choice in world(32, 1)
    ]
    with torch.inference_mode():
        found = float(answer_losses(model, held_out).mean())
    assert found == pytest.approx(history["val_loss"].min(), abs=1e-4)


def test_the_loss_is_that_of_the_titles_tokens_alone():
    model = load().model
    examples = [([7, 8, 9, 10, 11], [12, 0]), ([7, 8], [13, 14, 0])]
    found = answer_losses(model, examples)
    by_hand = []
    for prompt, title in examples:
        logs = model(torch.tensor([prompt + title])).logits[0].log_softmax(dim=-1).detach()
        by_hand += [-float(logs[len(prompt) - 1 + place, token]) for place, token in enumerate(title)]
    assert found.tolist() == pytest.approx(by_hand, abs=1e-4)


def test_a_fresh_adapter_changes_nothing_and_a_trained_one_does(reasoner):
    ids = torch.arange(6)[None]
    plain = load().model(ids).logits
    zero = {name: torch.zeros_like(tensor) for name, tensor in reasoner.weights.items()}
    assert torch.allclose(merged(load().model, zero, CONFIG)(ids).logits, plain, atol=1e-5)
    assert not torch.allclose(merged(load().model, reasoner.weights, CONFIG)(ids).logits, plain, atol=1e-1)


def test_equal_seeds_give_equal_adapters():
    given = Examples(world(16, 0), world(4, 1))
    short = CONFIG.model_copy(update={"epochs": 1, "dropout": 0.2})
    one, other = (fine_tune("test", given, load(), short) for _ in range(2))
    assert all(torch.equal(tensor, other.weights[name]) for name, tensor in one.weights.items())
    different = fine_tune("test", given, load(), short.model_copy(update={"seed": 1}))
    assert any(not torch.equal(tensor, different.weights[name]) for name, tensor in one.weights.items())


@pytest.mark.parametrize("step", [5, 20, 32])
def test_a_stopped_training_goes_on_to_the_same_adapter(tmp_path, step):
    given, state = Examples(world(16, 0), world(4, 1)), tmp_path / "state.safetensors"
    short = CONFIG.model_copy(update={"epochs": 2, "dropout": 0.2, "batch_size": 4})
    whole = fine_tune("test", given, load(), short)
    with pytest.raises(KeyboardInterrupt), listening(Stop(step)):
        fine_tune("test", given, load(), short, state=state)
    assert state.exists() == (step > 16)
    torch.rand(7)  # whatever chance has been used for in between
    resumed = fine_tune("test", given, load(), short, state=state)
    assert resumed.history.drop("seconds").equals(whole.history.drop("seconds"))
    assert all(torch.equal(tensor, resumed.weights[name]) for name, tensor in whole.weights.items())
    others = fine_tune("test", Examples(world(16, 3), world(4, 1)), load(), short, state=state)
    assert others.history["epoch"].to_list() == [0, 1, 2]
    assert not others.history.drop("seconds").equals(whole.history.drop("seconds"))


def test_without_a_better_epoch_the_untrained_adapter_is_kept():
    given = Examples(world(16, 0), world(8, 1))
    wild = CONFIG.model_copy(update={"learning_rate": 10.0, "epochs": 6, "patience": 2})
    kept = fine_tune("test", given, load(), wild)
    assert kept.history["epoch"].to_list() == [0, 1, 2]
    ids = torch.arange(6)[None]
    model = merged(load().model, kept.weights, wild)
    assert torch.allclose(model(ids).logits, load().model(ids).logits, atol=1e-5)


def test_a_checkpoint_gives_back_the_adapter_and_peft_reads_it_too(reasoner, tmp_path):
    checkpoint.save(tmp_path / "reasoner", reasoner)
    read = checkpoint.load(tmp_path / "reasoner")
    assert read.config == reasoner.config
    assert read.origin == {"mix": "test"}
    assert read.history.equals(reasoner.history)
    ids = torch.arange(6)[None]
    ours = merged(load().model, read.weights, read.config)
    theirs = PeftModel.from_pretrained(load().model, tmp_path / "reasoner").eval()
    assert torch.allclose(ours(ids).logits, theirs(ids).logits, atol=1e-5)
    ours.save_pretrained(tmp_path / "merged")
    again = type(ours).from_pretrained(tmp_path / "merged")
    assert torch.allclose(again(ids).logits, ours(ids).logits, atol=1e-5)


def test_what_is_no_checkpoint_is_refused_with_the_mend(tmp_path):
    (tmp_path / "reasoner.json").write_text('{"format": 99}')
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(PulseError, match="train again"):
            checkpoint.load(folder)

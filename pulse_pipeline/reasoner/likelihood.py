"""How likely a model finds each candidate's title: all of a choice's titles in one pass over one prompt.

The published evaluation samples an answer and looks for the title in it; what is said in other words is a
miss there, and what is said by chance a hit. The likelihood orders all candidates and has no luck in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pulse_pipeline.progress import track
from pulse_pipeline.reasoner.choices import Choice
from pulse_pipeline.reasoner.prompts import ChoicePrompts
from pulse_pipeline.thought_space.data import FloatArray

MAX_TOKENS = 4096
"""Tokens a pass, padding included; the logits of half of them are the largest thing in memory."""

PADDING, PROMPT = -1, 0


def title_likelihoods(
    model: Any, prompts: ChoicePrompts, choices: list[Choice], label: str
) -> list[FloatArray]:
    """Mean log probability of a title's tokens, its end included, for each candidate of each choice.

    Args:
        model: A causal language model of `transformers`.
        prompts: Those it is asked with.
        choices: The choices.
        label: What the progress is shown under.

    Returns:
        For each choice one number a candidate, in their order; higher is likelier [n_candidates].
    """
    rows = [
        _Row(prompts.prompt(choice), [prompts.title(name) for name in choice.candidates])
        for choice in choices
    ]
    found: list[FloatArray] = [np.empty(0, dtype=np.float32)] * len(rows)
    model.eval()
    with track(label, len(rows), "choices") as task:
        for batch in _batches(rows):
            for index, scores in zip(batch, _read(model, [rows[index] for index in batch]), strict=True):
                found[index] = scores
            task.advance(len(batch))
    return found


@dataclass(frozen=True)
class _Row:
    """A prompt and its continuations, laid out one after the other: no copy of the prompt is made."""

    prompt: list[int]
    titles: list[list[int]]

    @property
    def title_tokens(self) -> int:
        return sum(map(len, self.titles))

    def __len__(self) -> int:
        return len(self.prompt) + self.title_tokens


def _batches(rows: list[_Row]) -> Iterator[list[int]]:
    """Rows of like length share a batch, so that little of it is padding."""
    batch: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: -len(rows[index])):
        if batch and (len(batch) + 1) * len(rows[batch[0]]) > MAX_TOKENS:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


@torch.inference_mode()
def _read(model: Any, rows: list[_Row]) -> Iterator[FloatArray]:
    before = max(len(row.prompt) for row in rows)
    after = max(row.title_tokens for row in rows)
    laid_out = [_laid_out(row, before, after) for row in rows]
    ids, places, groups = (torch.stack(parts) for parts in zip(*laid_out, strict=True))
    logits = model(
        input_ids=ids.to(model.device),
        position_ids=places.to(model.device),
        attention_mask=_mask(groups, model.dtype).to(model.device),
        use_cache=False,
        logits_to_keep=after + 1,
    ).logits
    return (_scores(row, logits[index]) for index, row in enumerate(rows))


def _laid_out(row: _Row, before: int, after: int) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, positions and groups: padding, the prompt, each title, padding [before + after]."""
    left, right = before - len(row.prompt), after - row.title_tokens
    ids, places, groups = [0] * left, [0] * left, [PADDING] * left
    ids += row.prompt
    places += range(len(row.prompt))
    groups += [PROMPT] * len(row.prompt)
    for number, title in enumerate(row.titles, start=1):
        ids += title
        places += range(len(row.prompt), len(row.prompt) + len(title))
        groups += [number] * len(title)
    return (
        torch.tensor(ids + [0] * right),
        torch.tensor(places + [0] * right),
        torch.tensor(groups + [PADDING] * right),
    )


def _mask(groups: Tensor, dtype: torch.dtype) -> Tensor:
    """What each token does not see: later ones and other titles [n_rows, 1, length, length]."""
    earlier = torch.ones(groups.shape[1], groups.shape[1], dtype=torch.bool).tril()
    same = groups[:, :, None] == groups[:, None, :]
    visible = earlier & (same | (groups[:, None, :] == PROMPT))
    return torch.zeros(visible.shape, dtype=dtype).masked_fill(~visible, torch.finfo(dtype).min)[:, None]


def _scores(row: _Row, logits: Tensor) -> FloatArray:
    """From the logits at the prompt's last token and at all title tokens [1 + after, vocabulary]."""
    wanted = torch.tensor([token for title in row.titles for token in title], device=logits.device)
    starts = np.cumsum([0, *(len(title) for title in row.titles)])
    # A title's first token is foretold by the prompt's last, any other by the one before it.
    foretold_by = np.arange(len(wanted))
    foretold_by[starts[:-1]] = 0
    logs = logits[torch.from_numpy(foretold_by).to(logits.device)].float().log_softmax(dim=-1)
    each = logs.gather(1, wanted[:, None])[:, 0].cpu().numpy()
    means = np.add.reduceat(each, starts[:-1]) / np.diff(starts)
    return np.asarray(means, dtype=np.float32)

"""How likely a language model finds texts, through transformers.

vLLM's prompt log probabilities compute the whole vocabulary at every position; on CPU cores that is many
times slower than one padded forward pass.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulse_pipeline.progress import track
from pulse_pipeline.rationales.spec import ModelRef
from resources.causal_model import load

if TYPE_CHECKING:
    from torch import Tensor

PAIRS_AT_ONCE = 16


class LikelihoodReader:
    """Reads with the weights that a spec names; they are loaded at the first use."""

    def __init__(self, model: ModelRef) -> None:
        """Remember what to load."""
        self._ref = model

    def log_likelihood(self, prompts: list[str], continuations: list[str]) -> list[float]:
        """Mean log probability of a continuation's tokens after its prompt, for each pair."""
        texts = zip(prompts, continuations, strict=True)
        pairs = [(self._ids(prompt), self._ids(end)) for prompt, end in texts]
        # Pairs of like length share a batch, so that little of it is padding.
        order = sorted(range(len(pairs)), key=lambda index: -len(pairs[index][0]))
        scores = [0.0] * len(pairs)
        with track("likelihoods", len(pairs), "chains") as task:
            for start in range(0, len(order), PAIRS_AT_ONCE):
                batch = order[start : start + PAIRS_AT_ONCE]
                for index, score in zip(batch, self._read([pairs[index] for index in batch]), strict=True):
                    scores[index] = score
                task.advance(len(batch))
        return scores

    def _ids(self, text: str) -> list[int]:
        return list(self._loaded[1](text, add_special_tokens=False)["input_ids"])

    def _read(self, pairs: list[tuple[list[int], list[int]]]) -> list[float]:
        import torch

        model, _ = self._loaded
        rows = [torch.tensor(prompt + end) for prompt, end in pairs]
        # Padding stands at the end, where a causal model does not see it.
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(model.device)
        with torch.inference_mode():
            logits: Tensor = model(input_ids=ids).logits
        found = []
        for row, (prompt, end) in enumerate(pairs):
            places = slice(len(prompt) - 1, len(prompt) + len(end) - 1)
            logs = logits[row, places].float().log_softmax(dim=-1)
            wanted = torch.tensor(end, device=model.device)[:, None]
            found.append(float(logs.gather(1, wanted).mean()))
        return found

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        loaded = load(self._ref)
        return loaded.model, loaded.tokenizer

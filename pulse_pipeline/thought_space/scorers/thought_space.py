"""Score thoughts in the Thought Space, against the history alone: what can be done at serving too."""

import numpy as np
import polars as pl
import torch

from pulse_pipeline.embeddings.spec import Encoder
from pulse_pipeline.thought_space.data import DomainData, FloatArray
from pulse_pipeline.thought_space.model import ThoughtSpace, rationale_vectors
from pulse_pipeline.thought_space.scorers.behaviour import Histories
from pulse_pipeline.thought_space.scoring import latest_behaviour


class ThoughtSpaceScorer:
    """Cosine of the thoughts, as a rationale, and the behaviour before the cut."""

    def __init__(self, model: ThoughtSpace, data: DomainData, encoder: Encoder) -> None:
        """Prepare a domain.

        Args:
            model: Trained on the domain.
            data: The domain.
            encoder: The one that the model's vectors come from.
        """
        self._model, self._encoder = model.eval(), encoder
        self._histories = Histories(data)
        with torch.inference_mode():
            self._space = model.space(data)
            self._home = model.knows(self._space)
            self._items = model.items(self._space, home=self._home)

    @torch.inference_mode()
    def __call__(self, chains: pl.DataFrame) -> pl.Series:
        """Cosines, one a chain."""
        histories = self._histories.before(chains)
        behaviour = latest_behaviour(self._model, self._items, histories, home=self._home)
        vectors = rationale_vectors(self._encoder.encode(chains["text"].to_list()), behaviour.device)
        why = self._model.rationales(self._space, vectors, home=self._home)
        cosines: FloatArray = (behaviour * why).sum(dim=1).float().cpu().numpy()
        return pl.Series("score", np.asarray(cosines), pl.Float64)

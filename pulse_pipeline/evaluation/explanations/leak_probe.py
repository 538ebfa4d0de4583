"""What hindsight rationales give away of the item they speak about, although its title is masked.

A rationale's vector is a query over the catalogue, by itself: the better the item is found, the more of it
stands in the text. Foresight, written without the item in sight, is what taste alone can tell.
"""

from dataclasses import dataclass, field

import numpy as np

from pulse_pipeline.thought_space.data import DomainData, FloatArray
from pulse_pipeline.thought_space.geometry import centred, measure

CUTOFF = 10


@dataclass(frozen=True)
class Probe:
    """Whether the spoken item is among the first ten, for the users who have both rationales about it.

    The mean over users is recall@10.

    Attributes:
        hindsight: From the rationale that saw it, masked: 1 or 0 [n].
        foresight: From the one that did not [n].
        chance: Recall@10 of an order drawn at random.
    """

    hindsight: FloatArray = field(repr=False)
    foresight: FloatArray = field(repr=False)
    chance: float

    @property
    def users(self) -> int:
        """How many users were probed."""
        return len(self.hindsight)


def leak_probe(data: DomainData) -> Probe | None:
    """Look for each spoken item with the rationales about it.

    Args:
        data: A domain with its rationales.

    Returns:
        What was found; None where no user has both kinds.
    """
    if data.rationales is None:
        return None
    spoken = data.rationales.spoken
    kinds = (data.rationales.hindsight, data.rationales.training)
    there = [~np.isnan(vectors).any(axis=1) for vectors in kinds]
    users = np.flatnonzero((spoken > 0) & there[0] & there[1])
    if not len(users):
        return None
    targets = np.array([data.sequences[user][spoken[user]] for user in users])
    items = centred(data.item_vectors, measure(data.item_vectors[data.listed]).centre)
    hindsight, foresight = (_found(items, vectors[users], targets) for vectors in kinds)
    return Probe(hindsight, foresight, min(1.0, CUTOFF / data.n_items))


def _found(items: FloatArray, rationales: FloatArray, targets: np.ndarray) -> FloatArray:
    # Rationales share phrasing that item texts lack: they are centred by their own mean.
    queries = centred(rationales, rationales.mean(axis=0))
    scores = queries @ items.T
    own = scores[np.arange(len(targets)), targets]
    return np.asarray((scores >= own[:, None]).sum(axis=1) <= CUTOFF, dtype=np.float32)

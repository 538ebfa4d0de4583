"""Ranking with a trained Thought Space: no language model, one dot product an item, at home a few counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pulse_pipeline.thought_space import rounding
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, Phase
from pulse_pipeline.thought_space.factors import Factors, RoughScores, array
from pulse_pipeline.thought_space.following import NOTHING_FOLLOWS, Followed, Following
from pulse_pipeline.thought_space.model import Space, ThoughtSpace, rationale_vectors
from pulse_pipeline.thought_space.rounding import Rounded
from pulse_pipeline.thought_space.trend import trend

Use = Literal["own", "none", "shuffled"]

LEAST_ROUGH = 2**25
"""Users times items, scored together, from which on rough scores save time."""


@dataclass(frozen=True)
class Parts:
    """What scores are made of; they are the sums.

    Attributes:
        thought: How near the item lies to the user's thought [n_items].
        item: What the item has learned to score for anybody [n_items].
        following: What follows the last items [n_items].
        trend: What is taken lately [n_items].
    """

    thought: FloatArray
    item: FloatArray
    following: FloatArray
    trend: FloatArray


class ThoughtSpaceRanker:
    """A trained model as a ranker of any domain, at home or abroad."""

    def __init__(
        self,
        model: ThoughtSpace,
        name: str = "pulse",
        rationales: Use = "own",
        seed: int = 0,
        *,
        abroad: bool = False,
        in_full: bool = False,
        spaces: Mapping[str, Space] | None = None,
    ) -> None:
        """Wrap a model.

        Args:
            model: The trained model.
            name: What the results call it.
            rationales: Each user's own serving rationale, none, or another user's (a control).
            seed: Seed of the shuffle.
            abroad: Treat every domain as foreign, even one of the mix (a control).
            in_full: Serve what the gate lets in, whatever validation said that it weighs (a control).
            spaces: Domains already prepared by `model.space`, by name.
        """
        self.name = name
        self._model, self._use, self._seed = model.eval(), rationales, seed
        self._abroad, self._in_full = abroad, in_full
        self._spaces = spaces or {}
        self._prepared: tuple[DomainData, Space, Tensor] | None = None
        self._rounded: Rounded | None = None
        self._counts: tuple[DomainData, Following, FloatArray] | None = None

    def score(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Score the whole catalogue for users.

        Args:
            data: The domain.
            users: Indices of users.
            phase: What is to be predicted; histories end where it begins.

        Returns:
            Scores, higher is better; seen items are not masked [len(users), n_items].
        """
        (scores,) = self.pieces(data, users, phase, data.n_items)
        return scores

    def pieces(self, data: DomainData, users: IntArray, phase: Phase, width: int) -> Iterator[FloatArray]:
        """Yield the same scores, `width` items at a time; a piece is overwritten by the next."""
        return self._factors(data, users, phase).pieces(width)

    @torch.inference_mode()
    def rough(self, data: DomainData, users: IntArray, phase: Phase, width: int) -> RoughScores | None:
        """The same scores by rounded vectors, `width` items at a time; None where it would save no time."""
        _, items = self._prepare(data)
        if len(users) * len(items) < LEAST_ROUGH or not rounding.pays(items.device):
            return None
        self._rounded = self._rounded or Rounded.of(items)
        return self._factors(data, users, phase).rough(width, self._rounded)

    @torch.inference_mode()
    def parts(self, data: DomainData, user: int, phase: Phase) -> Parts:
        """What a user's scores are made of."""
        alone = np.array([user])
        whole = self.score(data, alone, phase)[0]
        space, _ = self._prepare(data)
        if not self._home(space):
            return Parts(whole, *np.zeros((3, len(whole)), np.float32))
        bias = array(self._model.item_bias(space, home=True))
        home, (following, lately) = self._model.home(data.domain), self._counted(data)
        followed = float(home.following) * following.scores([data.history(user, phase)])[0]
        taken = float(home.trend) * lately
        return Parts(whole - bias - followed - taken, bias, followed, taken)

    @torch.inference_mode()
    def thoughts(self, data: DomainData, users: IntArray, phase: Phase) -> FloatArray:
        """Users as unit vectors; zero for a user of whom nothing is known [len(users), d]."""
        return array(self._thoughts(data, users, phase))

    @torch.inference_mode()
    def item_matrix(self, data: DomainData) -> FloatArray:
        """Item vectors, the other side of the dot product [n_items, d]."""
        return array(self._prepare(data)[1])

    def rationale_weight(self, data: DomainData) -> float:
        """How much of what the gate lets in of a rationale enters the ranking of a domain."""
        if self._in_full:
            return 1.0
        space, _ = self._prepare(data)
        return float(self._model.serving_weight(data.domain, home=self._home(space)))

    @torch.inference_mode()
    def _prepare(self, data: DomainData) -> tuple[Space, Tensor]:
        if self._prepared is None or self._prepared[0] is not data:
            space = self._spaces.get(data.domain) or self._model.space(data)
            items = self._model.items(space, home=self._home(space))
            self._prepared, self._rounded = (data, space, items), None
        return self._prepared[1], self._prepared[2]

    @torch.inference_mode()
    def _factors(self, data: DomainData, users: IntArray, phase: Phase) -> Factors:
        space, items = self._prepare(data)
        home = self._home(space)
        queries = self._model.queries(self._thoughts(data, users, phase), home=home)
        bias = self._model.item_bias(space, home=home)
        lately = float(self._model.home(data.domain).trend) if home else 0.0
        if lately:
            bias = bias + lately * torch.from_numpy(self._counted(data)[1]).to(bias.device)
        return Factors(queries, items, bias, self._followed(data, users, phase))

    def _followed(self, data: DomainData, users: IntArray, phase: Phase) -> Followed:
        space, _ = self._prepare(data)
        following = float(self._model.home(data.domain).following) if self._home(space) else 0.0
        if not following or not len(users):
            return NOTHING_FOLLOWS
        histories = [data.history(user, phase) for user in users]
        return self._counted(data)[0].entries(histories, following)

    def _counted(self, data: DomainData) -> tuple[Following, FloatArray]:
        if self._counts is None or self._counts[0] is not data:
            self._counts = (data, Following(data), trend(data))
        return self._counts[1:]

    def _thoughts(self, data: DomainData, users: IntArray, phase: Phase) -> Tensor:
        space, items = self._prepare(data)
        histories = [data.history(user, phase) for user in users]
        home = self._home(space)
        disliked = [data.dislikes(user, history) for user, history in zip(users, histories, strict=True)]
        behaviour = latest_behaviour(self._model, items, histories, disliked, home=home)
        vectors = self._rationales(data)
        weight = self.rationale_weight(data)
        if vectors is None or not weight:
            return behaviour
        written = rationale_vectors(vectors[users], behaviour.device)
        why = self._model.rationales(space, written, home=home)
        return self._model.fuse(behaviour, why, weight)

    def _home(self, space: Space) -> bool:
        return not self._abroad and self._model.knows(space)

    def _rationales(self, data: DomainData) -> FloatArray | None:
        if data.rationales is None or self._use == "none":
            return None
        return (
            data.rationales.serving if self._use == "own" else shuffled(data.rationales.serving, self._seed)
        )


def latest_behaviour(
    model: ThoughtSpace,
    items: Tensor,
    histories: list[IntArray],
    disliked: list[NDArray[np.bool_]] | None = None,
    *,
    home: bool,
) -> Tensor:
    """Behaviour vectors after the last item of each history.

    Args:
        model: The model.
        items: The domain's item vectors [n_items, d].
        histories: Item indices, oldest first; an empty one gives a zero row.
        disliked: Which items of each history the user rated low; None where that plays no part.
        home: Whether to use what only the domains of the mix have.

    Returns:
        Unit vectors [len(histories), d].
    """
    recent = [history[-model.config.history_length :] for history in histories]
    lengths = np.array([len(history) for history in recent], dtype=np.int64)
    result = items.new_zeros(len(recent), items.shape[1])
    filled = np.flatnonzero(lengths)
    if not len(filled):
        return result
    padded = np.zeros((len(filled), lengths.max()), np.int64)
    low = np.zeros(padded.shape, np.bool_)
    for row, user in enumerate(filled):
        padded[row, : lengths[user]] = recent[user]
        if disliked is not None:
            low[row, : lengths[user]] = disliked[user][-lengths[user] :]
    vectors = items[torch.from_numpy(padded).to(items.device)]
    after = model.behaviour(vectors, torch.from_numpy(low).to(items.device) if low.any() else None, home=home)
    last = torch.from_numpy(lengths[filled] - 1).to(items.device)
    result[torch.from_numpy(filled).to(items.device)] = after[torch.arange(len(filled)), last]
    return result


def shuffled(vectors: FloatArray, seed: int) -> FloatArray:
    """Give every user who has a rationale another such user's (a seeded cycle) [n_users, d]."""
    owners = np.flatnonzero(~np.isnan(vectors).any(axis=1))
    order = np.random.default_rng(seed).permutation(owners)
    mixed = vectors.copy()
    mixed[order] = vectors[np.roll(order, 1)]
    return mixed

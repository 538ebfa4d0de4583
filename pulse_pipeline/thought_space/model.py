"""The Thought Space model, in one sitting.

Notable features:

- text-born items: a catalogue needs only texts to be ranked
- each domain is centred by its own item texts; how far its spectrum is flattened is learned (one scalar)
- an item has up to two views side by side: its text and what the LM thought of it; the second weighs 0 at
  first, and is the text again where nothing was thought. What users write meets both. Where validation gives
  the second no weight, the model is made without it
- identity-residual: untrained, it *is* centred text-kNN (mean of the latest items, cosine)
- a disliked item counts less in a history, or against it; by how much starts at "not less" (one scalar)
- behaviour = recency-weighted mean of item vectors + causal attention with a zero-initialised output
- items = text + a low-rank departure, zero-initialised, shared by all domains
- at home (a domain of the training mix) an ID residual and a bias for each item, zero-initialised
- at home two weights, zero until they are fitted, of what was counted: what follows the last items, and
  what is taken lately
- abroad (any other domain) only what transfers is used: centring, the few scalars, rationales
- thought = normalise(behaviour + gate * rationale); the gate starts closed, and is 0 without a rationale
- what is served of a rationale is nothing until validation says otherwise: a weight of each home, one abroad
- one dot product an item at serving, with a learned temperature

The idea is PULSE's (arXiv 2510.08626): behaviour and rationale meet in one space that recommends.
Identity at the start follows "zero-init residuals" (ReZero, Bachlechner et al. 2021; the tanh gate as
in Flamingo, Alayrac et al. 2022); text-born items across domains follow UniSRec (Hou et al., KDD 2022).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pulse_pipeline.thought_space import geometry
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, FloatArray

SMALLEST_LENGTH = 1e-3


@dataclass(frozen=True)
class Space:
    """A domain as the model's device sees it.

    Attributes:
        domain: The domain's name.
        rotated: Centred vectors of the items' views, each in its principal basis [v, n_items, d].
        basis: Principal directions of each view, one a column [v, d, d].
        log_spectrum: Log variance along each direction [v, 1, d].
        rationale_centre: What a rationale of the domain is centred by [d].
        residents: Row of each item in its domain's ID residual, -1 where unknown; None abroad [n_items].
    """

    domain: str
    rotated: Tensor
    basis: Tensor
    log_spectrum: Tensor
    rationale_centre: Tensor
    residents: Tensor | None


class ThoughtSpace(nn.Module):
    """Items, histories and rationales as unit vectors of one space."""

    def __init__(
        self, width: int, catalogues: dict[str, list[str]], config: ThoughtSpaceConfig, views: int = 1
    ) -> None:
        """Build the untrained model, which ranks as centred text-kNN.

        Args:
            width: Width d of the encoder's vectors.
            catalogues: Item ids of each domain of the mix, in the order of the ID residuals.
            config: The settings.
            views: Views v of an item: its text, or its text and its thought.
        """
        super().__init__()
        self.width, self.catalogues, self.config, self.views = width, catalogues, config, views
        wide = views * width
        self.at_home, self.abroad = Reading(config), Reading(config)
        self.log_contrast_temperature = nn.Parameter(torch.tensor(config.contrast_temperature).log())
        self.adapter = LowRank(wide, config.adapter_rank)
        self.attention = AttentionResidual(wide, config) if config.attention_width else None
        self.rationale_projection = LowRank(wide, config.rationale_rank)
        self.gate = Gate(wide, config)
        self.homes = nn.ModuleList(Home(width, wide, len(items), config) for items in catalogues.values())
        self.rationale_shift: Tensor
        self.register_buffer("rationale_shift", torch.zeros(width))
        self.rationale_serving_weight: Tensor
        self.register_buffer("rationale_serving_weight", torch.tensor(config.rationale_serving_weights[0]))

    def space(self, data: DomainData) -> Space:
        """Prepare a domain: centre it, measure it, find its items in the ID residual by id."""
        views = [geometry.view(data.item_vectors, data.listed)]
        if self.views == 2:
            views.append(geometry.second_view(views[0], data.item_thoughts, data.listed))
        device = self.rationale_shift.device
        centre = torch.from_numpy(views[0].shape.centre).to(device)
        return Space(
            data.domain,
            torch.from_numpy(np.stack([view.vectors @ view.shape.basis for view in views])).to(device),
            torch.from_numpy(np.stack([view.shape.basis for view in views])).to(device),
            torch.from_numpy(np.stack([view.shape.log_spectrum[None] for view in views])).to(device),
            # Rationales share phrasing that item texts lack. Abroad, a shift learned from the mix takes it
            # out, so that a foreign domain is centred without looking at its users.
            centre + self.rationale_shift + self._rationale_offset(data.domain),
            self._residents(data),
        )

    def _rationale_offset(self, domain: str) -> Tensor:
        if domain not in self.catalogues:
            return torch.zeros_like(self.rationale_shift)
        return self.home(domain).rationale_offset

    def _residents(self, data: DomainData) -> Tensor | None:
        if data.domain not in self.catalogues or not self.config.id_residual:
            return None
        row = {item: index for index, item in enumerate(self.catalogues[data.domain])}
        rows = [row.get(item, -1) for item in data.item_ids]
        return torch.tensor(rows, dtype=torch.long, device=self.rationale_shift.device)

    def knows(self, space: Space) -> bool:
        """Whether a domain belongs to the mix that the model was trained on."""
        return space.domain in self.catalogues

    def home(self, domain: str) -> "Home":
        """What the model knows of one domain of its mix."""
        module = self.homes[list(self.catalogues).index(domain)]
        assert isinstance(module, Home)
        return module

    def items(self, space: Space, rows: Tensor | None = None, *, home: bool) -> Tensor:
        """Item vectors: text and thought, and at home the departure and the ID residual on top.

        Args:
            space: The domain.
            rows: Items wanted; None for all [n].
            home: Whether to use what only the domains of the mix have.

        Returns:
            Vectors; unit length but for the ID residual, zero for items of which nothing is known [n, v d].
        """
        vectors = self._side_by_side(
            space.rotated if rows is None else space.rotated[:, rows], space, home=home
        )
        if not home:
            return _unit(vectors)
        vectors = _unit(vectors + self.adapter(vectors))
        if space.residents is None:
            return vectors
        known = space.residents if rows is None else space.residents[rows]
        return vectors + self.home(space.domain).residual(known)

    def _side_by_side(self, rotated: Tensor, space: Space, *, home: bool) -> Tensor:
        """Flatten the views and put them side by side: [v, n, d] -> [n, v d]."""
        reading = self.reading(home)
        views = reading.flatten(rotated, space.log_spectrum) @ space.basis.mT
        if len(views) == 1:
            return views[0]
        return torch.cat([_unit(views[0]), reading.item_thought * _unit(views[1])], dim=1)

    def item_bias(self, space: Space, rows: Tensor | None = None, *, home: bool) -> Tensor:
        """What an item scores for anybody; zero abroad [n]."""
        if not home or space.residents is None:
            return space.rotated.new_zeros(space.rotated.shape[1] if rows is None else len(rows))
        known = space.residents if rows is None else space.residents[rows]
        return self.home(space.domain).popularity(known)

    def behaviour(self, histories: Tensor, disliked: Tensor | None = None, *, home: bool) -> Tensor:
        """What a user does, as a unit vector after each item of the history.

        Args:
            histories: Item vectors, oldest first, padded at the end [b, length, v d].
            disliked: Which of the items the user rated low; None for none [b, length].
            home: Whether to use what only the domains of the mix have.

        Returns:
            Row t knows items 0 to t and nothing later [b, length, v d].
        """
        length = histories.shape[1]
        steps = torch.arange(length, device=histories.device)
        lag = steps[:, None] - steps[None, :]
        reading = self.reading(home)
        mean = _unit(reading.weights(lag) @ reading.regarded(histories, disliked))
        if not home or self.attention is None:
            return mean
        return _unit(mean + self.attention(histories, lag, disliked))

    def rationales(self, space: Space, vectors: Tensor, *, home: bool) -> Tensor:
        """Why a user acts, as unit vectors in the space of the items.

        Args:
            space: The domain of the users.
            vectors: Encoder vectors of rationales, NaN rows where there is none [b, d].
            home: Whether to use what only the domains of the mix have.

        Returns:
            Unit vectors, zero rows where there is none [b, v d].
        """
        present = has_rationale(vectors)
        moved = _unit(torch.nan_to_num(vectors) - space.rationale_centre)
        flat = self._side_by_side(moved @ space.basis, space, home=home)
        return _unit(flat + self.rationale_projection(flat)) * present[:, None]

    def serving_weight(self, domain: str, *, home: bool) -> Tensor:
        """How much of what the gate lets in is served, there or in a domain that is foreign."""
        return self.home(domain).rationale_serving_weight if home else self.rationale_serving_weight

    def fuse(self, behaviour: Tensor, rationales: Tensor, weight: float = 1.0) -> Tensor:
        """One thought from what and why; behaviour alone where the rationale is a zero row [b, v d]."""
        return _unit(behaviour + weight * self.gate(behaviour, rationales)[:, None] * rationales)

    def scores(self, thoughts: Tensor, items: Tensor, bias: Tensor, *, home: bool) -> Tensor:
        """Logits of items: one dot product each, over the temperature [b, n]."""
        return torch.addmm(bias, self.queries(thoughts, home=home), items.T)

    def queries(self, thoughts: Tensor, *, home: bool) -> Tensor:
        """Thoughts over the temperature: scaled before the product, the largest matrix there is [b, d]."""
        return thoughts / self.reading(home).log_temperature.exp()

    def reading(self, home: bool) -> "Reading":
        """The few scalars with which histories are read, at home or abroad."""
        return self.at_home if home else self.abroad


class Reading(nn.Module):
    """How a history is read: a few scalars, which cannot bend the geometry of the texts."""

    def __init__(self, config: ThoughtSpaceConfig) -> None:
        """Start with equal weights, the spectrum as it is, texts alone and no regard for ratings."""
        super().__init__()
        self.recency = nn.Parameter(torch.zeros(config.recency_window))
        self.flattening = nn.Parameter(torch.zeros(()))
        self.item_thought = nn.Parameter(torch.zeros(()))
        self.dislike = nn.Parameter(torch.zeros(()))
        self.log_temperature = nn.Parameter(torch.tensor(config.item_temperature).log())

    def weights(self, lag: Tensor) -> Tensor:
        """Weight of an item that lies `lag` items back; 0 for the future and beyond the window."""
        inside = (lag >= 0) & (lag < len(self.recency))
        return torch.where(inside, self.recency.exp()[lag.clamp(0, len(self.recency) - 1)], 0.0)

    def regarded(self, histories: Tensor, disliked: Tensor | None) -> Tensor:
        """Histories in which a disliked item counts 1 - `dislike` [b, length, d]."""
        if disliked is None:
            return histories
        return histories * (1 - self.dislike * disliked)[..., None]

    def flatten(self, rotated: Tensor, log_spectrum: Tensor) -> Tensor:
        """Scale principal components: degree 0 leaves them, 1 whitens them."""
        return rotated * torch.exp(-0.5 * self.flattening * log_spectrum)


class LowRank(nn.Module):
    """A linear map of low rank that starts at zero, so that x + map(x) starts at identity."""

    def __init__(self, width: int, rank: int) -> None:
        """Start with a random reading side and a zero writing side."""
        super().__init__()
        self.down = nn.Linear(width, rank, bias=False) if rank else None
        self.up = nn.Linear(rank, width, bias=False) if rank else None
        if self.up is not None:
            nn.init.zeros_(self.up.weight)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map vectors [..., d] -> [..., d]."""
        if self.down is None or self.up is None:
            return torch.zeros_like(vectors)
        return self.up(self.down(vectors))  # type: ignore[no-any-return]


class AttentionResidual(nn.Module):
    """One causal transformer block over the history, narrow, with a zero-initialised output."""

    def __init__(self, width: int, config: ThoughtSpaceConfig) -> None:
        """Build the block; positions enter as a bias for each lag (as in T5, Raffel et al. 2020)."""
        super().__init__()
        inner, self.heads, self.dropout = config.attention_width, config.attention_heads, config.dropout
        self.enter = nn.Linear(width, inner)
        self.norm_attention, self.norm_mix = nn.LayerNorm(inner), nn.LayerNorm(inner)
        self.queries_keys_values = nn.Linear(inner, 3 * inner)
        self.join = nn.Linear(inner, inner)
        self.mix = nn.Sequential(
            nn.Linear(inner, 2 * inner), nn.GELU(), nn.Dropout(self.dropout), nn.Linear(2 * inner, inner)
        )
        self.lag_bias = nn.Parameter(torch.zeros(self.heads, config.history_length))
        self.disliked = nn.Parameter(torch.zeros(inner))
        self.leave = nn.Linear(inner, width, bias=False)
        nn.init.zeros_(self.leave.weight)

    def forward(self, histories: Tensor, lag: Tensor, disliked: Tensor | None = None) -> Tensor:
        """Attend to the past only: histories [b, length, d], lag [length, length] -> [b, length, d]."""
        entered = self.enter(histories)
        if disliked is not None:
            entered = entered + disliked[..., None] * self.disliked
        hidden = functional.dropout(entered, self.dropout, self.training)
        hidden = hidden + self._attend(self.norm_attention(hidden), lag)
        hidden = hidden + functional.dropout(self.mix(self.norm_mix(hidden)), self.dropout, self.training)
        return self.leave(hidden)  # type: ignore[no-any-return]

    def _attend(self, hidden: Tensor, lag: Tensor) -> Tensor:
        batch, length, inner = hidden.shape
        split = self.queries_keys_values(hidden).view(batch, length, 3, self.heads, -1)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        bias = self.lag_bias[:, lag.clamp(0, self.lag_bias.shape[1] - 1)]
        bias = bias.masked_fill(lag < 0, float("-inf"))
        drop = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=bias, dropout_p=drop)
        joined = self.join(seen.transpose(1, 2).reshape(batch, length, inner))
        return functional.dropout(joined, self.dropout, self.training)


class Gate(nn.Module):
    """How much of a rationale enters a thought: tanh of a small MLP, closed at the start."""

    def __init__(self, width: int, config: ThoughtSpaceConfig) -> None:
        """Start with a zero output, hence a gate of exactly 0."""
        super().__init__()
        self.hidden = nn.Linear(2 * width, config.gate_width)
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(config.gate_width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, behaviour: Tensor, rationales: Tensor) -> Tensor:
        """Openness between -1 and 1, 0 where the rationale is a zero row [b]."""
        hidden = functional.gelu(self.hidden(torch.cat([behaviour, rationales], dim=1)))
        openness: Tensor = torch.tanh(self.out(self.dropout(hidden)).squeeze(1))
        return openness * rationales.abs().amax(dim=1).gt(0)


@dataclass(frozen=True)
class Lent:
    """Rows of an ID residual that a step learns in the table's stead.

    Attributes:
        rows: Which, ascending, each once [r].
        vectors: Their vectors [r, d].
    """

    rows: Tensor
    vectors: Tensor

    def at(self, rows: Tensor) -> Tensor:
        """Vectors of rows, all of which are among those lent [n, d]."""
        return self.vectors[torch.searchsorted(self.rows, rows)]


class Home(nn.Module):
    """What is learned of one domain's items beyond their texts; all zero at the start."""

    def __init__(self, width: int, wide: int, n_items: int, config: ThoughtSpaceConfig) -> None:
        """One vector and one bias an item, how its rationales' centre differs, three weights."""
        super().__init__()
        n_items = n_items if config.id_residual else 0
        self.vectors = nn.Parameter(torch.zeros(n_items, wide))
        self.lent: Lent | None = None
        self.bias = nn.Parameter(torch.zeros(n_items))
        self.rationale_offset: Tensor
        self.register_buffer("rationale_offset", torch.zeros(width))
        self.following: Tensor
        self.register_buffer("following", torch.zeros(()))
        self.trend: Tensor
        self.register_buffer("trend", torch.zeros(()))
        self.rationale_serving_weight: Tensor
        self.register_buffer("rationale_serving_weight", torch.tensor(config.rationale_serving_weights[0]))

    def residual(self, rows: Tensor) -> Tensor:
        """Vectors of items [n, d]; zero for row -1, which a step never asks a table that lends."""
        if self.lent is not None:
            return self.lent.at(rows)
        return _pick(self.vectors, rows)

    def popularity(self, rows: Tensor) -> Tensor:
        """Biases of items, zero for row -1 [n]."""
        return _pick(self.bias, rows)


def has_rationale(vectors: Tensor) -> Tensor:
    """Which rows of encoder vectors are rationales, neither NaN nor zero [b]."""
    return torch.nan_to_num(vectors).abs().amax(dim=1).gt(0)


def rationale_vectors(vectors: FloatArray, device: torch.device) -> Tensor:
    """Rows of rationale vectors on the model's device."""
    return torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32)).to(device)


def _unit(vectors: Tensor) -> Tensor:
    # Near zero (histories of items without text) the gradient of a plain normalisation explodes.
    lengths: Tensor = vectors.norm(dim=-1, keepdim=True)
    return vectors / lengths.clamp(min=SMALLEST_LENGTH)


def _pick(table: Tensor, rows: Tensor) -> Tensor:
    if not len(table):
        return table.new_zeros(len(rows), *table.shape[1:])
    known = (rows >= 0).view(-1, *[1] * (table.dim() - 1))
    return torch.where(known, table[rows.clamp(min=0)], 0.0)

"""The joint objective on a batch: which vectors meet in which loss."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pulse_pipeline.thought_space import geometry, losses
from pulse_pipeline.thought_space.batches import WHOLE, Batch, Share
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData, FloatArray, IntArray, RationaleVectors
from pulse_pipeline.thought_space.model import ThoughtSpace, has_rationale, rationale_vectors

TERMS = ("next_item", "thought", "contrast", "hindsight", "rationale")


@dataclass(frozen=True)
class Candidates:
    """The items over which a step's softmax runs.

    Attributes:
        vectors: Their vectors, and a zero row that stands for all other items [c + 1, d].
        bias: Their biases, and -inf for the others [c + 1].
        column: Column of each item of the catalogue, c where it is no candidate [n_items].
        log_chance: log of the chance that an item is a candidate; None where all are [c + 1].
        home: Whether the vectors hold what only the domains of the mix have.
    """

    vectors: Tensor
    bias: Tensor
    column: Tensor
    log_chance: Tensor | None
    home: bool


@dataclass(frozen=True)
class Step:
    """A batch and what chance decided for it.

    Attributes:
        batch: The windows.
        home: Whether the step uses what only the domains of the mix have.
        negatives: Items over which the softmax runs, in ascending order; None for all of them [c].
    """

    batch: Batch
    home: bool
    negatives: IntArray | None


@dataclass(frozen=True)
class Spoken:
    """The predictions of a batch that rationales speak about.

    Attributes:
        behaviour: What their users did before, as unit vectors [m, d].
        targets: The items that were chosen next [m].
        seen: The items before [m, length].
    """

    behaviour: Tensor
    targets: Tensor
    seen: Tensor

    def of(self, there: Tensor) -> "Spoken":
        """Those of the users who have one."""
        return Spoken(self.behaviour[there], self.targets[there], self.seen[there])


@dataclass(frozen=True)
class Term:
    """One term of the objective on a batch.

    Attributes:
        mean: The loss, a mean over the term's examples.
        part: How many they are, as a part of all that the batch predicts.
    """

    mean: Tensor
    part: float = 1.0


@dataclass(frozen=True)
class Proposal:
    """Where the negatives of a sampled softmax come from: draws of their own, and what the batch chose.

    Attributes:
        drawn: Chance of each item to be drawn: training count + 1, to the power .75 [n_items].
        reached: The chances added up, item after item, to 1 [n_items].
        chosen: Its share of what is predicted in training [n_items].
    """

    drawn: NDArray[np.float64]
    reached: NDArray[np.float64]
    chosen: NDArray[np.float64]

    @classmethod
    def of(cls, data: DomainData) -> "Proposal":
        """Count a domain's training prefixes; nothing is predicted before the second item of one."""
        prefixes = [sequence[:n] for sequence, n in zip(data.sequences, data.n_train, strict=True)]
        weight = (1.0 + _counts(prefixes, data.n_items)) ** 0.75
        chosen = _counts([prefix[1:] for prefix in prefixes], data.n_items)
        reached = weight.cumsum()
        return cls(weight / weight.sum(), reached / reached[-1], chosen / max(chosen.sum(), 1.0))

    def draw(self, rng: np.random.Generator, n: int) -> IntArray:
        """Draw items by their chance, with repetition [n]."""
        return self.reached.searchsorted(rng.random(n), side="right")

    def log_chance(self, items: IntArray, draws: int, predictions: int) -> NDArray[np.float64]:
        """Logarithm of the chance that a sample holds an item, which it keeps once however often it meets it.

        Targets count as if each were drawn by itself, from all that is predicted in training.

        Args:
            items: The items [c].
            draws: Draws of a step.
            predictions: Targets of a step's batch, all of which are in the sample.
        """
        missed = draws * np.log1p(-self.drawn[items]) + predictions * np.log1p(-self.chosen[items])
        return np.asarray(np.log(-np.expm1(missed)))


class Examples:
    """The loss terms of one domain."""

    def __init__(
        self, model: ThoughtSpace, data: DomainData, config: ThoughtSpaceConfig, rng: np.random.Generator
    ) -> None:
        """Prepare the domain on the model's device."""
        self._model, self._config, self._rng = model, config, rng
        self._space, self._data = model.space(data), data
        device = self._space.rotated.device
        self._foresight = self._hindsight = None
        if data.rationales is not None and _any_for_training(data.rationales):
            self._foresight = rationale_vectors(data.rationales.training, device)
            self._hindsight = rationale_vectors(recentred_hindsight(data), device)
        self._proposal = Proposal.of(data) if config.samples(data.n_items) else None

    def step(self, batch: Batch) -> Step:
        """Leave to chance what all shares of a batch have in common."""
        # Abroad only the use of rationales is learned by gradient: without them every step is at home.
        home = self._foresight is None or bool(self._rng.random() >= self._config.home_dropout)
        return Step(batch, home, self._negatives(batch))

    @property
    def domain(self) -> str:
        """Whose examples these are."""
        return self._space.domain

    def residents(self, step: Step) -> Tensor:
        """The rows of the domain's ID residual that a step with sampled negatives asks for, ascending [r].

        A domain of the mix has its items in the order of its ID residual.
        """
        assert self._space.residents is not None and step.negatives is not None
        met = np.union1d(step.negatives, step.batch.histories.flatten().cpu().numpy())
        return self._space.residents[torch.from_numpy(met).to(self._space.residents.device)]

    def terms(self, step: Step, share: Share = WHOLE) -> dict[str, Term]:
        """The unweighted terms that the batch has examples for.

        Rationales only ever meet the item they speak about: the training foresight has read all items
        before it, so it would give earlier positions away.

        Args:
            step: The batch.
            share: Which of its predictions to make. The histories are encoded whole, at a small part of
                the softmax's cost, so that the contrast keeps all its negatives.

        Returns:
            Terms; the means of all shares add up to the batch's.
        """
        batch = step.batch
        candidates = self._candidates(step)
        histories = self._histories(batch, candidates)
        after = self._model.behaviour(histories, batch.disliked, home=step.home)
        real = batch.targets >= 0
        terms = {}
        if self._config.next_item_weight:
            seen = _seen(batch)[real]
            mean = self._next_item(after[real], batch.targets[real], seen, candidates, share)
            terms["next_item"] = Term(mean)
        if self._foresight is not None and bool(batch.speaks.any()):
            terms |= self._why(batch, after, candidates, share)
        return terms

    def _histories(self, batch: Batch, candidates: Candidates) -> Tensor:
        """Item vectors of the inputs; where all items are candidates, theirs are taken, not made again."""
        if candidates.log_chance is None:
            return functional.embedding(batch.histories, candidates.vectors)
        rows = batch.histories.flatten()
        return self._model.items(self._space, rows, home=candidates.home).view(*batch.histories.shape, -1)

    def _why(self, batch: Batch, after: Tensor, candidates: Candidates, share: Share) -> dict[str, Term]:
        assert self._foresight is not None and self._hindsight is not None
        rows = batch.speaks.nonzero().squeeze(1)
        column, users = batch.spoken[rows], torch.from_numpy(batch.users).to(rows.device)[rows]
        spoken = Spoken(after[rows, column], batch.targets[rows, column], _seen(batch)[rows, column])
        predictions = int((batch.targets >= 0).sum())
        terms: dict[str, Term] = {}
        for vectors, means_of in (
            (self._foresight[users], self._by_foresight),
            (self._hindsight[users], self._by_hindsight),
        ):
            there = has_rationale(vectors)
            if bool(there.any()):
                why = self._model.rationales(self._space, vectors[there], home=candidates.home)
                means = means_of(spoken.of(there), why, candidates, share)
                part = len(why) / predictions
                terms |= {name: Term(mean, part) for name, mean in means.items()}
        return terms

    def _by_foresight(
        self, spoken: Spoken, why: Tensor, candidates: Candidates, share: Share
    ) -> dict[str, Tensor]:
        means = {}
        if self._config.contrast_weight and len(why) > 1:
            means["contrast"] = self._contrast(spoken, why) / share.of
        if self._config.thought_weight:
            kept = torch.rand(len(why), device=why.device) >= self._config.rationale_dropout
            thoughts = self._model.fuse(spoken.behaviour, why * kept[:, None])
            means["thought"] = self._next_item(thoughts, spoken.targets, spoken.seen, candidates, share)
        if self._config.rationale_weight:
            means["rationale"] = self._next_item(why, spoken.targets, spoken.seen, candidates, share)
        return means

    def _by_hindsight(
        self, spoken: Spoken, why: Tensor, candidates: Candidates, share: Share
    ) -> dict[str, Tensor]:
        if not self._config.hindsight_weight or len(why) < 2:
            return {}
        return {"hindsight": self._contrast(spoken, why) / share.of}

    def _next_item(
        self, vectors: Tensor, targets: Tensor, seen: Tensor, candidates: Candidates, share: Share
    ) -> Tensor:
        n, rows = len(targets), share.rows
        vectors, targets, seen = vectors[rows], targets[rows], seen[rows]
        if not len(targets):
            return vectors.new_zeros(())
        logits = self._model.scores(vectors, candidates.vectors, candidates.bias, home=candidates.home)
        columns = candidates.column
        loss = losses.next_item(logits, columns[targets], columns[seen], candidates.log_chance)
        return loss * (len(targets) / n)

    def _contrast(self, spoken: Spoken, why: Tensor) -> Tensor:
        temperature = self._model.log_contrast_temperature.exp()
        hardness = self._config.contrast_hardness
        return losses.contrast(spoken.behaviour, why, spoken.targets, temperature, hardness)

    def _negatives(self, batch: Batch) -> IntArray | None:
        if self._proposal is None:
            return None
        draws = self._proposal.draw(self._rng, self._config.sampled_negatives)
        return np.union1d(draws, batch.targets[batch.targets >= 0].cpu().numpy())

    def _candidates(self, step: Step) -> Candidates:
        n_items, device, rows = self._data.n_items, self._space.rotated.device, step.negatives
        if rows is None or self._proposal is None:
            return self._with_others(None, torch.arange(n_items, device=device), None, step.home)
        predictions = int((step.batch.targets >= 0).sum())
        log_chance = self._proposal.log_chance(rows, self._config.sampled_negatives, predictions)
        chosen = torch.from_numpy(rows).to(device)
        column = torch.full((n_items,), len(rows), device=device)
        column[chosen] = torch.arange(len(rows), device=device)
        chance = torch.from_numpy(np.append(log_chance, 0.0).astype(np.float32)).to(device)
        return self._with_others(chosen, column, chance, step.home)

    def _with_others(
        self, chosen: Tensor | None, column: Tensor, log_chance: Tensor | None, home: bool
    ) -> Candidates:
        vectors = self._model.items(self._space, chosen, home=home)
        bias = self._model.item_bias(self._space, chosen, home=home)
        return Candidates(
            functional.pad(vectors, (0, 0, 0, 1)),
            functional.pad(bias, (0, 1), value=float("-inf")),
            column,
            log_chance,
            home,
        )


def total(terms: dict[str, Term], config: ThoughtSpaceConfig) -> Tensor:
    """The weighted sum of a batch's terms (0 without any).

    An example weighs what its term's weight says beside one next item, however few of a batch's users have
    a rationale: as plain means, a tenth of the users' rationales would weigh as much as everybody's, and
    cost more than they give (docs/transfer.md).
    """
    weights = {name: float(getattr(config, f"{name}_weight")) for name in TERMS}
    parts = [weights[name] * term.part * term.mean for name, term in terms.items()]
    return torch.stack(parts).sum() if parts else torch.zeros(())


def no_terms() -> dict[str, float | None]:
    """Every term, without a value."""
    return dict.fromkeys(TERMS)


def centre_rationales(model: ThoughtSpace, domains: list[DomainData]) -> None:
    """Measure how rationales lie off the item texts, in each domain of a mix and on the whole."""
    offs = {data.domain: off for data in domains if (off := _rationale_offset(data)) is not None}
    if not offs:
        return
    shift = np.mean(list(offs.values()), axis=0)
    model.rationale_shift.copy_(torch.from_numpy(shift))
    for domain, off in offs.items():
        model.home(domain).rationale_offset.copy_(torch.from_numpy(off - shift))


def recentred_hindsight(data: DomainData) -> FloatArray:
    """Hindsight moved onto the centre of foresight: what tells the two kinds apart is no reason."""
    assert data.rationales is not None
    hindsight, foresight = data.rationales.hindsight, _foresight(data)
    there = ~np.isnan(hindsight).any(axis=1)
    if not there.any() or not len(foresight):
        return hindsight
    return np.asarray(hindsight - hindsight[there].mean(axis=0) + foresight.mean(axis=0))


def _rationale_offset(data: DomainData) -> FloatArray | None:
    foresight = _foresight(data)
    if not len(foresight):
        return None
    return np.asarray(foresight.mean(axis=0) - geometry.measure(data.item_vectors[data.listed]).centre)


def _any_for_training(rationales: RationaleVectors) -> bool:
    return not bool(np.isnan(rationales.training).all() and np.isnan(rationales.hindsight).all())


def _foresight(data: DomainData) -> FloatArray:
    if data.rationales is None:
        return np.empty((0, data.item_vectors.shape[1]), np.float32)
    both = np.concatenate([data.rationales.serving, data.rationales.training])
    return np.asarray(both[~np.isnan(both).any(axis=1)])


def _seen(batch: Batch) -> Tensor:
    """The items up to each position; later ones are replaced by the first [b, length, length]."""
    length = batch.histories.shape[1]
    past = torch.ones(length, length, dtype=torch.bool, device=batch.histories.device).tril()
    return torch.where(past, batch.histories[:, None, :], batch.histories[:, :1, None])


def _counts(sequences: list[IntArray], n_items: int) -> NDArray[np.float64]:
    items = np.concatenate([np.empty(0, np.int64), *sequences])
    return np.bincount(items, minlength=n_items).astype(np.float64)

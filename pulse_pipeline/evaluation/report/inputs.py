"""What the report is made from: tables and arrays, nothing that has to be loaded or computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from pulse_pipeline.evaluation.bootstrap import Difference
from pulse_pipeline.evaluation.challenges import ChallengeRow
from pulse_pipeline.thought_space.data import FloatArray


@dataclass(frozen=True)
class DomainFacts:
    """A domain as the report introduces it.

    Attributes:
        name: Its name.
        users: How many users it has after cleaning.
        items: Size of the catalogue.
        interactions: How many interactions.
        synthetic: Whether it was made by a generator; said wherever the domain is named.
        note: Anything a reader of the figures must know, such as that there are no times.
        tokens_per_user: Tokens that the language model read and wrote for rationales, for each user who
            has one; None where none were written.
    """

    name: str
    users: int
    items: int
    interactions: int
    synthetic: bool = False
    note: str = ""
    tokens_per_user: float | None = None


@dataclass(frozen=True)
class DifferenceRow:
    """One paired comparison, such as PULSE minus itself without rationales.

    Attributes:
        dataset: The domain.
        protocol: The protocol.
        model: What is compared.
        against: What is taken from it.
        difference: Mean over users of the difference, with interval and p-value.
        users: How many users were compared.
        metric: What was measured of each user, such as ``NDCG@10``.
        candidates: Among how many items: ``full``, ``20``, ``5``.
        seeds: How many seeds were averaged.
        retrained: Whether the second model was trained without the part; else it was taken away afterwards.
    """

    dataset: str
    protocol: str
    model: str
    against: str
    difference: Difference
    users: int = 0
    metric: str = "NDCG@10"
    candidates: str = "full"
    seeds: int = 1
    retrained: bool = False


@dataclass(frozen=True)
class ThoughtMap:
    """Vectors of the Thought Space to draw.

    Attributes:
        trained: Items and users' thoughts after training [n, d].
        untrained: The same before any gradient; None leaves that map out [n, d].
        labels: One row a vector: `domain`, `kind` (``item`` or ``thought``) and, where tastes were told
            apart, `taste`.
    """

    trained: FloatArray = field(repr=False)
    untrained: FloatArray | None = field(repr=False)
    labels: pl.DataFrame


@dataclass(frozen=True)
class Recommended:
    """One recommended item of a sample user.

    Attributes:
        title: The item's title, or its id where it has none.
        score: The model's score.
        hit: Whether the user did take it next.
    """

    title: str
    score: float
    hit: bool = False


@dataclass(frozen=True)
class SampleUser:
    """A user as an example.

    Attributes:
        domain: The domain.
        user_id: The user.
        history: Titles of the known items, oldest first.
        rationale: What the language model wrote about the user; None where there is none.
        recommendations: Best first.
        train_mix: What the recommending model was trained on.
        next_title: What the user took next.
        next_rank: Its place in the whole catalogue, from 1.
        next_of: How many items were ranked.
    """

    domain: str
    user_id: str
    history: Sequence[str]
    rationale: str | None
    recommendations: Sequence[Recommended]
    train_mix: str
    next_title: str
    next_rank: int
    next_of: int


@dataclass(frozen=True)
class ReportInputs:
    """Everything on the page.

    Attributes:
        metrics: Rows of `schemas.Metrics`: our model in all its cells, ablations and baselines.
        domains: The domains, in the order to show them.
        mixes: Members of each training mix by its name.
        model: Name of our model in `metrics`; its rows fill the transfer matrix.
        readers: Other models that read rationales, and so cost tokens.
        differences: Paired comparisons.
        explanations: Rows of `schemas.Metrics` about explanations; None where they were not judged.
        challenges: What is known about each challenge of the field.
        training: One row an epoch: `mix`, `epoch`, `loss`, `valid_ndcg` (null where not measured).
        thoughts: The Thought Space; None leaves the map out.
        samples: Example users.
        provenance: What the footer says, by its label: commit, model, encoder, fingerprints, versions.
    """

    metrics: pl.DataFrame
    domains: Sequence[DomainFacts]
    mixes: Mapping[str, Sequence[str]]
    model: str = "PULSE"
    readers: frozenset[str] = frozenset()
    differences: Sequence[DifferenceRow] = ()
    explanations: pl.DataFrame | None = None
    challenges: Sequence[ChallengeRow] = ()
    training: pl.DataFrame | None = None
    thoughts: ThoughtMap | None = None
    samples: Sequence[SampleUser] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

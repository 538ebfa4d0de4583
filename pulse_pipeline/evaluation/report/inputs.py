"""What the report is made from: tables and arrays, nothing that has to be loaded or computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from pulse_pipeline.evaluation.bootstrap import Difference
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
    """

    name: str
    users: int
    items: int
    interactions: int
    synthetic: bool = False
    note: str = ""


@dataclass(frozen=True)
class DifferenceRow:
    """One paired comparison, such as PULSE minus itself without rationales.

    Attributes:
        dataset: The domain.
        protocol: The protocol.
        label: What is taken from what.
        difference: Mean over users of the difference in NDCG@10, with interval and p-value.
    """

    dataset: str
    protocol: str
    label: str
    difference: Difference


@dataclass(frozen=True)
class ThoughtMap:
    """Vectors of the Thought Space to draw.

    Attributes:
        vectors: Items and users' thoughts [n, d].
        labels: One row a vector: `domain` and `kind` (``item`` or ``thought``).
    """

    vectors: FloatArray = field(repr=False)
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
    """

    domain: str
    user_id: str
    history: Sequence[str]
    rationale: str | None
    recommendations: Sequence[Recommended]
    train_mix: str


@dataclass(frozen=True)
class ReportInputs:
    """Everything on the page.

    Attributes:
        metrics: Rows of `schemas.Metrics`: our model in all its cells, ablations and baselines.
        domains: The domains, in the order to show them.
        mixes: Members of each training mix by its name.
        model: Name of our model in `metrics`; its rows fill the transfer matrix.
        differences: Paired comparisons.
        training: One row an epoch: `mix`, `epoch`, `loss`, `valid_ndcg` (null where not measured).
        thoughts: The Thought Space; None leaves the map out.
        samples: Example users.
        provenance: What the footer says, by its label: commit, model, encoder, fingerprints, versions.
    """

    metrics: pl.DataFrame
    domains: Sequence[DomainFacts]
    mixes: Mapping[str, Sequence[str]]
    model: str = "pulse"
    differences: Sequence[DifferenceRow] = ()
    training: pl.DataFrame | None = None
    thoughts: ThoughtMap | None = None
    samples: Sequence[SampleUser] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

"""From the pipeline's tables and models to what the report shows."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pulse_pipeline.domains import ALL, Registry
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.evaluation.baselines.suite import SUITE
from pulse_pipeline.evaluation.challenges import ChallengeRow
from pulse_pipeline.evaluation.in_domain import MODEL
from pulse_pipeline.evaluation.report.differences import difference_rows, is_difference
from pulse_pipeline.evaluation.report.inputs import (
    DomainFacts,
    ReportInputs,
    SampleUser,
    ThoughtMap,
)
from pulse_pipeline.evaluation.report.samples import sample_users
from pulse_pipeline.evaluation.report.thoughts import thought_map
from pulse_pipeline.provenance import git_sha
from pulse_pipeline.rationales.latest import latest_rationales
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.thought_space.assemble import assemble, has_protocol
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.training import Trained

PROTOCOL: Protocol = "loo"
LIBRARIES = ("dagster", "torch", "transformers", "sentence-transformers", "polars", "mlflow")

Models = Mapping[str, Mapping[str, Trained]]  # by mix, then by protocol


@dataclass(frozen=True)
class DomainTables:
    """One domain's tables.

    Attributes:
        interactions: The `interactions` table.
        items: The `items` table.
        item_embeddings: The `item_embeddings` table.
        rationales: The `rationales` table.
        rationale_embeddings: The `rationale_embeddings` table.
        synthetic: Whether a generator made the domain.
    """

    interactions: pl.DataFrame
    items: pl.DataFrame
    item_embeddings: pl.DataFrame
    rationales: pl.DataFrame
    rationale_embeddings: pl.DataFrame
    synthetic: bool

    def data(self, name: str) -> DomainData:
        """The domain's arrays under leave-one-out, which every domain has."""
        return assemble(name, PROTOCOL, self.interactions, self.item_embeddings, self.rationale_embeddings)


def build_report(
    registry: Registry,
    domains: Mapping[str, DomainTables],
    models: Models,
    metrics: pl.DataFrame,
    *,
    rationales: RationaleSettings,
    encoder: EncoderSpec,
    explanations: pl.DataFrame | None = None,
    challenges: Sequence[ChallengeRow] = (),
) -> ReportInputs:
    """Arrange everything that is there.

    Args:
        registry: Names the mixes' members.
        domains: Tables by domain.
        models: Trained models by mix and protocol.
        metrics: Rows of the `metrics` table.
        rationales: What the rationales were written with.
        encoder: What the texts were encoded with.
        explanations: Rows of `schemas.Metrics` about explanations.
        challenges: What is known about each challenge of the field.
    """
    arrays = {name: tables.data(name) for name, tables in domains.items()}
    return ReportInputs(
        metrics=metrics.filter(~is_difference()),
        domains=[_facts(name, tables) for name, tables in domains.items()],
        mixes={mix: registry.members(mix) for mix in registry.mixes},
        model=MODEL,
        readers=_readers(),
        differences=difference_rows(metrics),
        explanations=explanations,
        challenges=challenges,
        training=_training(models),
        thoughts=_thoughts(arrays, domains, models),
        samples=[
            sample for name, tables in domains.items() for sample in _samples(tables, arrays[name], models)
        ],
        provenance=_provenance(rationales, encoder),
    )


def _facts(name: str, tables: DomainTables) -> DomainFacts:
    interactions = tables.interactions
    timeless = not has_protocol(interactions, "temporal")
    return DomainFacts(
        name=name,
        users=interactions["user_id"].n_unique(),
        items=len(tables.items),
        interactions=len(interactions),
        synthetic=tables.synthetic,
        note="no times that part a user's items, so leave-one-out only" if timeless else "",
        tokens_per_user=_tokens_per_user(tables.rationales),
    )


def _tokens_per_user(rationales: pl.DataFrame) -> float | None:
    """What an inherited rationale cost is counted once, where it was written."""
    users = rationales["user_id"].n_unique()
    written = rationales.filter(pl.col("inherited_from").is_null())
    tokens = written.select(pl.col("prompt_tokens", "completion_tokens").sum()).row(0)
    return float(sum(tokens)) / users if users else None


def _readers() -> frozenset[str]:
    """Names of the baselines that read rationales, and so cost tokens as well."""
    entries = [entry for entry in SUITE.values() if entry.reads_rationales]
    return frozenset(entry.build(entry.config()).name for entry in entries)


def _training(models: Models) -> pl.DataFrame | None:
    epochs = [
        # The next-item term stands for the loss: every mix has it, whatever other terms are switched on.
        trained[PROTOCOL].history.select("epoch", mix=pl.lit(mix), loss="next_item", valid_ndcg="val_ndcg@10")
        for mix, trained in models.items()
        if PROTOCOL in trained
    ]
    return pl.concat(epochs) if epochs else None


def _thoughts(
    arrays: Mapping[str, DomainData], tables: Mapping[str, DomainTables], models: Models
) -> ThoughtMap | None:
    """Items and users in the space of the model of all domains, or of the only domain."""
    mix = ALL if ALL in models else next(iter(models), None)
    if mix is None or PROTOCOL not in models[mix] or not arrays:
        return None
    return thought_map(models[mix][PROTOCOL], arrays, {name: one.items for name, one in tables.items()})


def _samples(tables: DomainTables, data: DomainData, models: Models) -> list[SampleUser]:
    if PROTOCOL not in models.get(data.domain, {}):
        return []
    # Another protocol's rationale may have read the very item that is to be found here.
    known = pl.DataFrame({"user_id": data.user_ids, "known": data.n_known})
    why = latest_rationales(tables.rationales, known)
    return sample_users(data, tables.items, why, models[data.domain][PROTOCOL].model)


def _provenance(rationales: RationaleSettings, encoder: EncoderSpec) -> dict[str, str]:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return {
        "Code": git_sha() or "not a git checkout",
        "Language model": f"{rationales.model.model} ({rationales.model.revision})",
        "Rationale settings": rationales.fingerprint(),
        "Text encoder": f"{encoder.model} ({encoder.revision})",
        "Versions": versions,
    }

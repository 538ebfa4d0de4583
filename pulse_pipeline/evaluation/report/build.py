"""From the pipeline's tables and models to what the report shows."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pulse_pipeline.domains import ALL, Registry
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.evaluation.bootstrap import Difference
from pulse_pipeline.evaluation.in_domain import DIFFERENCE, MODEL
from pulse_pipeline.evaluation.ranking import top_k
from pulse_pipeline.evaluation.report.charts import Chart, heat_map
from pulse_pipeline.evaluation.report.inputs import (
    DifferenceRow,
    DomainFacts,
    Recommended,
    ReportInputs,
    SampleUser,
    ThoughtMap,
)
from pulse_pipeline.evaluation.report.tables import transfer_matrix
from pulse_pipeline.provenance import git_sha
from pulse_pipeline.rationales.latest import latest_rationales
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.thought_space.assemble import assemble, has_protocol
from pulse_pipeline.thought_space.data import DomainData, Protocol
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import Trained

PROTOCOL: Protocol = "loo"
SAMPLES_A_DOMAIN = 2
SAMPLE_ITEMS = 5
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
) -> ReportInputs:
    """Arrange everything that is there.

    Args:
        registry: Names the mixes' members.
        domains: Tables by domain.
        models: Trained models by mix and protocol.
        metrics: Rows of the `metrics` table.
        rationales: What the rationales were written with.
        encoder: What the texts were encoded with.
    """
    arrays = {name: tables.data(name) for name, tables in domains.items()}
    return ReportInputs(
        metrics=metrics.filter(pl.col("metric") != DIFFERENCE),
        domains=[_facts(name, tables) for name, tables in domains.items()],
        mixes={mix: registry.members(mix) for mix in registry.mixes},
        model=MODEL,
        differences=_differences(metrics.filter(pl.col("metric") == DIFFERENCE)),
        training=_training(models),
        thoughts=_thoughts(arrays, models),
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
    )


def _differences(rows: pl.DataFrame) -> list[DifferenceRow]:
    return [
        DifferenceRow(
            row["dataset"],
            row["protocol"],
            row["model"],
            Difference(row["value"], row["ci_low"], row["ci_high"], row["p_value_vs_best_baseline"]),
        )
        for row in rows.iter_rows(named=True)
    ]


def _training(models: Models) -> pl.DataFrame | None:
    epochs = [
        # The next-item term stands for the loss: every mix has it, whatever other terms are switched on.
        trained[PROTOCOL].history.select("epoch", mix=pl.lit(mix), loss="next_item", valid_ndcg="val_ndcg@10")
        for mix, trained in models.items()
        if PROTOCOL in trained
    ]
    return pl.concat(epochs) if epochs else None


def _thoughts(arrays: Mapping[str, DomainData], models: Models) -> ThoughtMap | None:
    """Items and users in the space of the model of all domains, or of the only domain."""
    mix = ALL if ALL in models else next(iter(models), None)
    if mix is None or PROTOCOL not in models[mix]:
        return None
    ranker = ThoughtSpaceRanker(models[mix][PROTOCOL].model)
    vectors, domains, kinds = [], [], []
    for name, data in arrays.items():
        users = data.evaluated_users("test")
        for kind, found in (
            ("item", ranker.item_matrix(data)),
            ("thought", ranker.thoughts(data, users, "test")),
        ):
            vectors.append(found)
            domains += [name] * len(found)
            kinds += [kind] * len(found)
    if not vectors:
        return None
    return ThoughtMap(np.concatenate(vectors), pl.DataFrame({"domain": domains, "kind": kinds}))


def _samples(tables: DomainTables, data: DomainData, models: Models) -> list[SampleUser]:
    """Users whose next item is known, spread over the domain."""
    if PROTOCOL not in models.get(data.domain, {}):
        return []
    # Another protocol's rationale may have read the very item that is to be found here.
    known = pl.DataFrame({"user_id": data.user_ids, "known": data.n_known})
    why = latest_rationales(tables.rationales, known)
    users = np.array([user for user in data.evaluated_users("test") if data.user_ids[user] in why])
    users = users[np.linspace(0, len(users) - 1, min(SAMPLES_A_DOMAIN, len(users))).astype(int)]
    if len(users) == 0:
        return []
    names = dict(tables.items.select("item_id", pl.coalesce("title", "item_id")).iter_rows())
    titles = [names[item] for item in data.item_ids]
    ranker = ThoughtSpaceRanker(models[data.domain][PROTOCOL].model)
    top = top_k(ranker, data, users, "test", SAMPLE_ITEMS)
    return [
        SampleUser(
            domain=data.domain,
            user_id=data.user_ids[user],
            history=[titles[item] for item in data.history(user, "test")],
            rationale=why[data.user_ids[user]],
            recommendations=[
                Recommended(titles[item], float(score), hit=item == data.target(user, "test"))
                for item, score in zip(items, scores, strict=True)
                if item >= 0
            ],
            train_mix=data.domain,
        )
        for user, items, scores in zip(users, top.items, top.scores, strict=True)
    ]


def _provenance(rationales: RationaleSettings, encoder: EncoderSpec) -> dict[str, str]:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return {
        "Code": git_sha() or "not a git checkout",
        "Language model": f"{rationales.model.model} ({rationales.model.revision})",
        "Rationale settings": rationales.fingerprint(),
        "Text encoder": f"{encoder.model} ({encoder.revision})",
        "Versions": versions,
    }


def transfer_chart(report: ReportInputs) -> Chart | None:
    """The heat map of source mixes on targets under leave-one-out; None before anything was evaluated."""
    cells = transfer_matrix(report, PROTOCOL)
    if cells.is_empty():
        return None
    sources = [mix for mix in report.mixes if mix in set(cells["source"])]
    targets = [domain.name for domain in report.domains if domain.name in set(cells["target"])]
    return heat_map(cells, "ndcg", sources, targets)

"""Assets of the stage `interactions`: raw logs in, clean tables out. No model is known here."""

from pathlib import Path

import dagster as dg
import polars as pl

from assets.materialisation import RETRY, Materialisation, materialising
from assets.project import Project
from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.errors import PulseError
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from pulse_pipeline.interactions import ingest
from pulse_pipeline.interactions.neighbours import nearest_neighbours
from pulse_pipeline.progress import tell
from pulse_pipeline.provenance import file_hash, fingerprint
from pulse_pipeline.rationales.cuts import cut_points
from resources.tracking import Tracking

GROUP = "interactions"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`raw_interactions`, `interactions`, `items`, `neighbours`, partitioned by domain."""
    return [_raw_interactions(project), _interactions(project), _items(project), _neighbours(project)]


def _raw_interactions(project: Project) -> dg.AssetsDefinition:
    version = _version(project, "source", "columns")

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        kinds={"polars"},
        description="Interactions as upstream recorded them, in our columns; bad rows are quarantined.",
    )
    def raw_interactions(
        context: dg.AssetExecutionContext, tracking: Tracking
    ) -> dg.MaterializeResult[pl.DataFrame]:
        domain = project.registry.domain(context.partition_key)
        with materialising(context, tracking, version, _params(domain)) as work:
            try:
                read = ingest.read_interactions(domain)
            except ingest.NothingUsable as error:
                path = _quarantined(work, error.quarantine, "interactions")
                raise PulseError(f"{error}; the records are kept in {path}") from error
            return _ingested(work, read, "interactions", domain)

    return raw_interactions


def _interactions(project: Project) -> dg.AssetsDefinition:
    version = _version(project, "min_interactions")

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        kinds={"polars"},
        description="Deduplicated k-core in stable order, with the split of each protocol.",
    )
    def interactions(
        context: dg.AssetExecutionContext, tracking: Tracking, raw_interactions: pl.DataFrame
    ) -> dg.MaterializeResult[pl.DataFrame]:
        domain = project.registry.domain(context.partition_key)
        with materialising(context, tracking, version, _params(domain)) as work:
            cleaned = ingest.clean_interactions(raw_interactions, domain.min_interactions, domain.name)
            counts = cleaned.counts
            tell(
                f"{domain.name}: {counts['rows_out']:,} interactions of {counts['users']:,} users and "
                f"{counts['items']:,} items kept, of {counts['rows_in']:,}"
            )
            return work.table(
                cleaned.frame, metrics={name: float(count) for name, count in cleaned.counts.items()}
            )

    return interactions


def _items(project: Project) -> dg.AssetsDefinition:
    version = _version(project, "source", "columns", "item_columns", "text_fields")

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        kinds={"polars"},
        description="The catalogue with the text that the encoder sees; items without text are flagged.",
    )
    def items(
        context: dg.AssetExecutionContext, tracking: Tracking, interactions: pl.DataFrame
    ) -> dg.MaterializeResult[pl.DataFrame]:
        domain = project.registry.domain(context.partition_key)
        with materialising(context, tracking, version, _params(domain)) as work:
            read = ingest.read_items(domain, interactions)
            without_text = float((~read.frame["has_text"]).sum())
            return _ingested(work, read, "items", domain, {"items_without_text": without_text})

    return items


def _neighbours(project: Project) -> dg.AssetsDefinition:
    settings = project.settings.neighbours

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=settings.fingerprint(),
        io_manager_key="tables",
        kinds={"scipy"},
        description="For each history that a rationale is written from, who chose alike and what else.",
    )
    def neighbours(
        context: dg.AssetExecutionContext, tracking: Tracking, interactions: pl.DataFrame
    ) -> dg.MaterializeResult[pl.DataFrame]:
        with materialising(context, tracking, settings.fingerprint(), settings.model_dump()) as work:
            histories = cut_points(interactions).select("user_id", "target_position").unique()
            table = nearest_neighbours(interactions, histories, settings)
            return work.table(table, metrics=neighbourhood(table, len(histories)))

    return neighbours


def neighbourhood(table: pl.DataFrame, histories: int) -> dict[str, float]:
    """How many of the histories that were asked about have a neighbour, and how like those are."""
    served = table.select("user_id", "target_position").n_unique()
    similarity = table["similarity"]
    return {
        "share_with_a_neighbour": served / max(histories, 1),
        "mean_similarity": float(similarity.sum()) / max(len(similarity), 1),
    }


def _ingested(
    work: Materialisation,
    read: ingest.Ingested,
    table: str,
    domain: DomainConfig,
    metrics: dict[str, float] | None = None,
) -> "dg.MaterializeResult[pl.DataFrame]":
    source = "demo: synthetic, generated by PULSE" if domain.source == "demo" else domain.source
    path = _quarantined(work, read.quarantine, table)
    tell(f"{domain.name}: {len(read.frame):,} rows of {table} read, {len(read.quarantine):,} set aside")
    broken = read.quarantine["rule"].value_counts(sort=True)
    work.run.artifact("quarantined_by_rule.csv", broken.write_csv())
    return work.table(
        read.frame,
        metadata={
            "quarantine": dg.MetadataValue.path(path),
            "quarantined_by_rule": dict(broken.iter_rows()),
            "source": source,
            "source_files": {file.name: file_hash(file) for file in read.source_files},
        },
        metrics={"quarantined_rows": float(len(read.quarantine)), **(metrics or {})},
    )


def _quarantined(work: Materialisation, rows: pl.DataFrame, table: str) -> Path:
    path = Home.from_environment().quarantine / str(work.partition) / f"{table}.parquet"
    with replacing(path) as aside:
        rows.write_parquet(aside)
    return path


def _params(domain: DomainConfig) -> dict[str, object]:
    return domain.model_dump(exclude={"interactions", "items"})


def _version(project: Project, *fields: str) -> str:
    """Code version from the settings of the domains that shape this table."""
    domains = [project.registry.domain(name) for name in project.registry.names]
    return fingerprint([domain.model_dump(mode="json", include={"name", *fields}) for domain in domains])

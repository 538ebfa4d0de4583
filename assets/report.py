"""The asset `report`."""

import json

import dagster as dg
import polars as pl

from assets.evaluation import GROUP, VERSION
from assets.materialisation import materialising, picture
from assets.model_ranks import RANKS_FILE, all_ranks
from assets.project import Project
from assets.thought_space import Tables
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.challenges import challenge_rows
from pulse_pipeline.evaluation.figures import distinct_figures
from pulse_pipeline.evaluation.report.build import DomainTables, build_report
from pulse_pipeline.evaluation.report.page import write_report
from pulse_pipeline.evaluation.report.plots import plots
from pulse_pipeline.files import replacing
from pulse_pipeline.home import Home
from resources.storage import OPTIONAL_PARTITIONS, Models
from resources.tracking import Tracking


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`report`, without partitions."""
    return [_report(project)]


def _report(project: Project) -> dg.AssetsDefinition:
    present = dg.AssetIn(metadata=OPTIONAL_PARTITIONS)

    @dg.asset(
        group_name=GROUP,
        code_version=VERSION,
        ins={
            "interactions": present,
            "items": present,
            "item_embeddings": present,
            "rationales": present,
            "rationale_embeddings": present,
            "thought_space_model": present,
            "in_domain_evaluation": present,
            "cross_domain_evaluation": present,
            "seed_evaluation": present,
            "explanation_evaluation": present,
            "reasoner_evaluation": present,
            "ablation_evaluation": present,
            "zero_shot_evaluation": present,
            "few_shot_evaluation": present,
            "arrival_evaluation": present,
        },
        io_manager_key="tables",
        kinds={"html"},
        description="All figures as one self-contained page and as JSON, from whatever is materialised.",
    )
    def report(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: Tables,
        items: Tables,
        item_embeddings: Tables,
        rationales: Tables,
        rationale_embeddings: Tables,
        thought_space_model: dict[str, Models],
        in_domain_evaluation: Tables,
        cross_domain_evaluation: Tables,
        seed_evaluation: Tables,
        explanation_evaluation: Tables,
        reasoner_evaluation: Tables,
        ablation_evaluation: Tables,
        zero_shot_evaluation: Tables,
        few_shot_evaluation: Tables,
        arrival_evaluation: Tables,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        params = {"domains": ", ".join(in_domain_evaluation)}
        with materialising(context, tracking, VERSION, params) as work:
            evaluations = (
                in_domain_evaluation,
                cross_domain_evaluation,
                seed_evaluation,
                reasoner_evaluation,
                ablation_evaluation,
                zero_shot_evaluation,
                few_shot_evaluation,
                arrival_evaluation,
            )
            ranked = distinct_figures(table for tables in evaluations for table in tables.values())
            judged = distinct_figures(explanation_evaluation.values())
            metrics = pl.concat([ranked, judged])
            if metrics.is_empty():
                raise PulseError(
                    "there is nothing to report yet: run `pulse run`, or materialise an evaluation"
                )
            tables = {
                name: DomainTables(
                    interactions[name],
                    items[name],
                    item_embeddings[name],
                    rationales[name],
                    rationale_embeddings[name],
                    synthetic=name in project.registry.synthetic,
                )
                for name in project.registry.names
                if name in in_domain_evaluation
            }
            settings = project.settings
            inputs = build_report(
                project.registry,
                tables,
                thought_space_model,
                ranked,
                rationales=settings.rationales,
                encoder=settings.encoder,
                explanations=judged,
                challenges=challenge_rows(metrics),
            )
            folder = Home.from_environment().report
            write_report(inputs, folder / "index.html")
            with replacing(folder / "metrics.json") as aside:
                aside.write_text(json.dumps(metrics.to_dicts(), indent=1), encoding="utf-8")
            with replacing(folder / RANKS_FILE) as aside:
                all_ranks(project).write_parquet(aside, compression="zstd")
            for name in ("index.html", "metrics.json", RANKS_FILE):
                work.run.artifact(name, (folder / name).read_bytes())
            pictures = plots(inputs)
            for name, png in pictures.items():
                work.run.artifact(f"{name}.png", png)
            shown = {name: picture(png) for name, png in pictures.items()}
            page = dg.MetadataValue.path(folder / "index.html")
            return work.table(metrics, {"page": page, **shown})

    return report

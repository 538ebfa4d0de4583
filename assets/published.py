"""Assets of the faithful arm (arXiv 2510.08626, stages C and D): the published space, the thoughts it scores.

The stages before them are shared with our own arm, and differ from the published ones. Neighbours (stage A)
are found by the cosine of histories, not of SASRec's user vectors. Seed rationales (stage B) are our
hindsight: the chosen item's title is masked there, where the published prompt shows it.
"""

import hashlib

import dagster as dg
import polars as pl

from assets.materialisation import ON_DEMAND, RETRY, materialising
from assets.project import Project
from assets.rationales import costs, open_desk, valid_rate
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint, git_sha
from pulse_pipeline.rationales.assignments import Domain
from pulse_pipeline.rationales.cuts import drawn_users
from pulse_pipeline.rationales.judging import rejection_rates
from pulse_pipeline.rationales.refinement.published import answered_cuts, as_published
from pulse_pipeline.rationales.refinement.tree import Tree
from pulse_pipeline.rationales.tables import rationales_table
from pulse_pipeline.thought_space.published.loss import floor
from pulse_pipeline.thought_space.published.pairs import pairs
from pulse_pipeline.thought_space.published.space import PublishedSpace
from pulse_pipeline.thought_space.published.training import train
from pulse_pipeline.thought_space.scorers.published import PublishedScorer
from resources.language_model import LanguageModel
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`published_thought_space`, `published_rationales`, partitioned by domain."""
    return [_published_thought_space(project), _published_rationales(project)]


def _published_thought_space(project: Project) -> dg.AssetsDefinition:
    config = project.settings.published_space
    version = config.fingerprint()

    @dg.asset(
        group_name="thought_space",
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="published_spaces",
        pool="gpu",
        kinds={"torch"},
        tags=ON_DEMAND,
        description="Two text encoders, tuned until rationales lie near the behaviour they explain.",
    )
    def published_thought_space(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        text_encoder: TextEncoder,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        rationales: pl.DataFrame,
    ) -> dg.MaterializeResult[PublishedSpace]:
        domain = context.partition_key
        with materialising(context, tracking, version, config.model_dump()) as work:
            origin = {
                "domain": domain,
                "rationales": project.settings.rationales.fingerprint(),
                "git_sha": git_sha(),
                "dagster_run_id": context.run.run_id,
            }
            given = pairs(interactions, items, rationales, config)
            state = Home.from_environment().training / f"{domain}.published" / "state.safetensors"
            trained = train(
                domain, given, lambda: text_encoder.tunable(config.encoder), config, origin, state=state
            )
            work.run.curve(trained.history, step="epoch")
            work.run.artifact("history.csv", trained.history.write_csv())
            last = trained.history.drop("epoch").row(-1, named=True)
            metrics = {
                **{name: float(value) for name, value in last.items() if value is not None},
                "loss_floor": floor(config.temperature, config.negatives),
                "pairs": float(len(given)),
                "held_out_pairs": float(trained.held_out),
                "behaviours_cut_off": trained.cut_off,
            }
            return work.result(trained.space, _weights_hash(trained.space), {}, metrics)

    return published_thought_space


def _weights_hash(space: PublishedSpace) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(space.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _published_rationales(project: Project) -> dg.AssetsDefinition:
    settings = as_published(project.settings.rationales)
    version = fingerprint([settings.fingerprint(("refined",)), settings.refinement.model_dump()])

    @dg.asset(
        group_name="rationales",
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        pool="gpu",
        kinds={"vllm"},
        tags=ON_DEMAND,
        description="Chains of thoughts before a training item, the best by the published score, which looks "
        "at that item: to learn from only.",
    )
    def published_rationales(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        language_model: LanguageModel,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
        published_thought_space: PublishedSpace,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        config = project.registry.domain(context.partition_key)
        with materialising(context, tracking, version, settings.refinement.shape.model_dump()) as work:
            domain = Domain(config.name, interactions, items, config.rationale_users)
            scorer = PublishedScorer(published_thought_space, interactions, items)
            desk = open_desk(work, context, settings, ("refined",), language_model)
            writer = desk.thoughts(domain)
            wanted = answered_cuts(drawn_users(interactions, domain.users))
            with language_model.session() as session:
                tree = Tree(writer, scorer, settings.refinement.shape)
                grown = tree.grow(wanted, session, f"published rationales {config.name}")
            levels = {f"score_level_{n}": score for n, score in enumerate(grown.level_scores, start=1)}
            table = rationales_table(grown.rows, writer.spec)
            return work.table(
                table,
                metadata={
                    "made_with": {
                        "prompt_fingerprint": writer.spec.fingerprint(),
                        "model": settings.model.model,
                        "model_revision": settings.model.revision,
                    },
                    "rejected": dict(grown.rejected),
                },
                metrics={
                    "valid_rate": valid_rate(table),
                    **rejection_rates(grown.rejected, grown.thoughts),
                    **costs(grown.ledger, desk.spent()),
                    **levels,
                },
            )

    return published_rationales

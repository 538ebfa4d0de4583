"""Assets of the faithful arm's stages A to D (arXiv 2510.08626): neighbours, seeds, space, trees."""

import hashlib

import dagster as dg
import polars as pl

from assets.interactions import neighbourhood
from assets.materialisation import ON_DEMAND, RETRY, materialising
from assets.project import Project
from assets.rationales import GROUP, costs, open_desk, result, user_limits, valid_rate, version_with
from pulse_pipeline.evaluation.published_neighbours.search import METHOD as NEIGHBOURS
from pulse_pipeline.evaluation.published_neighbours.search import published_neighbours as nearest
from pulse_pipeline.home import Home
from pulse_pipeline.provenance import fingerprint, git_sha
from pulse_pipeline.rationales.assignments import Domain
from pulse_pipeline.rationales.cuts import drawn_users
from pulse_pipeline.rationales.judging import rejection_rates
from pulse_pipeline.rationales.published import answered_cuts
from pulse_pipeline.rationales.refinement.tree import Tree
from pulse_pipeline.rationales.tables import rationales_table
from pulse_pipeline.snapshots import STATE
from pulse_pipeline.thought_space.published.loss import floor
from pulse_pipeline.thought_space.published.pairs import pairs
from pulse_pipeline.thought_space.published.space import PublishedSpace
from pulse_pipeline.thought_space.published.training import METHOD, train
from pulse_pipeline.thought_space.scorers.published import PublishedScorer
from resources.language_model import LanguageModel
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """All of them, partitioned by domain."""
    return [
        _published_neighbours(project),
        _published_seeds(project),
        _published_thought_space(project),
        _published_rationales(project),
    ]


def _published_neighbours(project: Project) -> dg.AssetsDefinition:
    settings = project.settings.published_neighbours
    version = fingerprint([NEIGHBOURS, settings.fingerprint()])

    @dg.asset(
        group_name="interactions",
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        pool="gpu",
        kinds={"torch"},
        tags=ON_DEMAND,
        description="For each history that a published thought is written from, who chose alike by SASRec.",
    )
    def published_neighbours(
        context: dg.AssetExecutionContext, tracking: Tracking, interactions: pl.DataFrame
    ) -> dg.MaterializeResult[pl.DataFrame]:
        with materialising(context, tracking, version, settings.model_dump()) as work:
            histories = answered_cuts(interactions).select("user_id", "target_position")
            table = nearest(context.partition_key, interactions, histories, settings)
            return work.table(table, metrics=neighbourhood(table, len(histories)))

    return published_neighbours


def _published_seeds(project: Project) -> dg.AssetsDefinition:
    settings = project.settings.rationales_as_published
    version = version_with(settings.fingerprint(("hindsight",)), user_limits(project))

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        retry_policy=RETRY,
        pool="gpu",
        kinds={"vllm"},
        tags=ON_DEMAND,
        description="Why people chose a training item, which the prompt shows by name: to learn from only.",
    )
    def published_seeds(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        language_model: LanguageModel,
        interactions: pl.DataFrame,
        items: pl.DataFrame,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        config = project.registry.domain(context.partition_key)
        with materialising(context, tracking, version, settings.sampling.model_dump()) as work:
            desk = open_desk(work, context, settings, ("hindsight",), language_model)
            domain = Domain(config.name, interactions, items, config.rationale_users)
            assignment = desk.published_seeds(domain)
            with language_model.session() as session:
                written = assignment.write(session)
            table = rationales_table(written.rows, assignment.writer.spec)
            prompt = settings.fingerprint(("hindsight",))
            return result(work, table, [written], desk, prompt, {"users_written_for": len(table)})

    return published_seeds


def _published_thought_space(project: Project) -> dg.AssetsDefinition:
    config = project.settings.published_space
    version = fingerprint([METHOD, config.fingerprint()])
    writing = project.settings.rationales_as_published

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
        published_seeds: pl.DataFrame,
    ) -> dg.MaterializeResult[PublishedSpace]:
        domain = context.partition_key
        with materialising(context, tracking, version, config.model_dump()) as work:
            origin = {
                "domain": domain,
                "rationales": writing.fingerprint(("hindsight",)),
                "git_sha": git_sha(),
                "dagster_run_id": context.run.run_id,
            }
            given = pairs(interactions, items, published_seeds, config)
            state = Home.from_environment().training_of("published_thought_space", domain) / STATE
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
    settings = project.settings.rationales_as_published
    trees = fingerprint([settings.fingerprint(("refined",)), settings.refinement.shape.model_dump()])
    version = version_with(trees, user_limits(project))

    @dg.asset(
        group_name=GROUP,
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
        published_neighbours: pl.DataFrame,
        published_thought_space: PublishedSpace,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        config = project.registry.domain(context.partition_key)
        with materialising(context, tracking, version, settings.refinement.shape.model_dump()) as work:
            users = config.rationale_users
            domain = Domain(config.name, interactions, items, users, published_neighbours)
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

"""Assets of the stage `evaluation` about people and domains that little is known of; on demand."""

import dagster as dg
import polars as pl

from assets.evaluation import GROUP, VERSION
from assets.materialisation import ON_DEMAND, materialising
from assets.project import Project
from assets.thought_space import Tables, learned_from
from pulse_pipeline.domains import ALL_BUT
from pulse_pipeline.embeddings.embed import embed, vector_store
from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation import word_reader
from pulse_pipeline.evaluation.arrival_evaluation import evaluate_arrivals
from pulse_pipeline.evaluation.arrivals import Arrivals
from pulse_pipeline.evaluation.crossing import GRIDS
from pulse_pipeline.evaluation.evaluate import Evaluated
from pulse_pipeline.evaluation.few_shot import SHARES, evaluate_few_shot
from pulse_pipeline.evaluation.transfer import evaluate_zero_shot
from pulse_pipeline.evaluation.word_reader import Texts, titles
from pulse_pipeline.home import Home
from pulse_pipeline.interactions.common_cut import start_of_test
from pulse_pipeline.provenance import fingerprint, text_hash
from pulse_pipeline.rationales.arrivals import arrivals
from pulse_pipeline.schemas import BridgingRationales, Metrics
from pulse_pipeline.thought_space.assemble import PROTOCOLS, assemble
from resources.storage import OPTIONAL_PARTITIONS
from resources.text_encoder import TextEncoder
from resources.tracking import Tracking

NO_SOURCE = "transfer needs a source: name a second domain in domains.yaml"


def assets(project: Project) -> list[dg.AssetsDefinition]:
    """`zero_shot_evaluation`, `few_shot_evaluation`, `arrival_evaluation`, partitioned by target domain."""
    return [_zero_shot_evaluation(project), _few_shot_evaluation(project), _arrival_evaluation(project)]


def _zero_shot_evaluation(project: Project) -> dg.AssetsDefinition:
    seed = project.settings.thought_space.seed
    version = fingerprint([VERSION, word_reader.GRIDS, seed])
    everywhere = dg.AssetIn(partition_mapping=dg.AllPartitionMapping())

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        ins={"interactions": everywhere, "items": everywhere, "item_embeddings": everywhere},
        kinds={"numpy"},
        tags=ON_DEMAND,
        description="A domain read by the vectors and words of its texts, as was fitted on all others.",
    )
    def zero_shot_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: Tables,
        items: Tables,
        item_embeddings: Tables,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        name = context.partition_key
        with materialising(context, tracking, version, {"target": name, "seed": seed}) as work:
            if len(interactions) < 2:
                raise PulseError(NO_SOURCE)
            figures: list[Evaluated] = []
            fitted: dict[str, float] = {}
            for protocol in PROTOCOLS:
                moment = start_of_test(interactions[name])
                past = learned_from(protocol, interactions, item_embeddings, moment=moment)
                texts = {
                    one: Texts(data, titles(items[one], item_embeddings[one])) for one, data in past.items()
                }
                target = texts.pop(name, None)
                if target is None or not texts:
                    continue
                found, reading = evaluate_zero_shot(list(texts.values()), target, ALL_BUT + name, seed)
                figures += found
                fitted |= {f"{protocol}_{scalar}": value for scalar, value in vars(reading).items()}
            table = pl.concat([Metrics.create_empty(), *(one.metrics for one in figures)])
            return work.table(table, metrics=fitted)

    return zero_shot_evaluation


def _few_shot_evaluation(project: Project) -> dg.AssetsDefinition:
    settings = project.settings
    config = settings.thought_space
    version = fingerprint([VERSION, config.fingerprint(), SHARES])
    everywhere = dg.AssetIn(partition_mapping=dg.AllPartitionMapping())

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        ins={
            "interactions": everywhere,
            "item_embeddings": everywhere,
            "rationale_embeddings": everywhere,
        },
        pool="gpu",
        kinds={"torch"},
        tags=ON_DEMAND,
        description="A domain of which 1 % and 10 % of the training users are known, with all of the others.",
    )
    def few_shot_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        interactions: Tables,
        item_embeddings: Tables,
        rationale_embeddings: Tables,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        name = context.partition_key
        params = {"target": name, "shares": SHARES, **config.model_dump()}
        with materialising(context, tracking, version, params) as work:
            if len(interactions) < 2:
                raise PulseError(NO_SOURCE)
            states = Home.from_environment().training_of("few_shot_evaluation", name)
            figures = []
            for protocol in PROTOCOLS:
                moment = start_of_test(interactions[name])
                domains = learned_from(
                    protocol,
                    interactions,
                    item_embeddings,
                    rationale_embeddings,
                    moment=moment,
                    unknown=name,
                )
                target, sources = domains.pop(name, None), list(domains.values())
                if target is None or not sources:
                    continue
                figures += evaluate_few_shot(
                    sources,
                    target,
                    config,
                    source_mix=ALL_BUT + name,
                    states=states,
                    spec_fingerprint=settings.rationales.fingerprint(),
                )
            return work.table(pl.concat([Metrics.create_empty(), *(one.metrics for one in figures)]))

    return few_shot_evaluation


def _arrival_evaluation(project: Project) -> dg.AssetsDefinition:
    settings = project.settings
    prompt = settings.rationales.fingerprint(("bridging",))
    seed = settings.thought_space.seed
    version = fingerprint([VERSION, GRIDS, seed])
    everywhere = dg.AssetIn(partition_mapping=dg.AllPartitionMapping(), metadata=OPTIONAL_PARTITIONS)

    @dg.asset(
        group_name=GROUP,
        partitions_def=project.partitions.domains,
        code_version=version,
        io_manager_key="tables",
        ins={"interactions": everywhere, "item_embeddings": everywhere, "bridging_rationales": everywhere},
        kinds={"numpy"},
        tags=ON_DEMAND,
        description="People known in another domain who arrive in this one without a history.",
    )
    def arrival_evaluation(
        context: dg.AssetExecutionContext,
        tracking: Tracking,
        text_encoder: TextEncoder,
        interactions: Tables,
        item_embeddings: Tables,
        bridging_rationales: Tables,
    ) -> dg.MaterializeResult[pl.DataFrame]:
        name = context.partition_key
        with materialising(context, tracking, version, {"target": name, "prompt": prompt}) as work:
            if name not in interactions or name not in item_embeddings:
                raise PulseError(
                    f"item_embeddings of {name} is not there yet: run `pulse run --domains {name}`"
                )
            written = bridging_rationales.get(name, BridgingRationales.create_empty())
            vectors = bridging_vectors(written, settings.encoder, text_encoder)
            domains = {
                one: assemble(one, "loo", interactions[one], item_embeddings[one])
                for one in sorted(interactions.keys() & item_embeddings.keys())
            }
            figures = []
            for source in sorted(domains.keys() - {name}):
                people = Arrivals.between(
                    domains[source],
                    domains[name],
                    arrivals(interactions[source], interactions[name]),
                    vectors.filter(source=source),
                )
                figures += evaluate_arrivals(people, seed=seed, spec_fingerprint=prompt)
            return work.table(pl.concat([Metrics.create_empty(), *(one.metrics for one in figures)]))

    return arrival_evaluation


def bridging_vectors(written: pl.DataFrame, spec: EncoderSpec, text_encoder: TextEncoder) -> pl.DataFrame:
    """Vectors of valid bridging rationales: `source`, `user_id`, `vector`."""
    texts = written.filter("valid").select(
        "source",
        "user_id",
        text="rationale",
        text_hash=pl.col("rationale").map_elements(text_hash, pl.String),
    )
    store = vector_store(Home.from_environment().cache, spec)
    encoder = text_encoder.encoder(spec)
    return embed(texts, spec, encoder, store, "bridging rationales").select("source", "user_id", "vector")

"""The whole pipeline in one process with fast stand-ins for the models: runs, versions, links, lineage."""

import json

import dagster as dg
import polars as pl
import pytest

from assets.project import Project
from pulse_pipeline.commands.materialise import materialise
from pulse_pipeline.commands.results import ablation_table, candidate_table, metrics
from pulse_pipeline.commands.selecting import groups
from pulse_pipeline.commands.transfer_results import arrival_table, few_shot_table, word_table
from pulse_pipeline.commands.tune import tune, tune_baselines
from pulse_pipeline.definitions import build_defs
from pulse_pipeline.domains import DEMO_RATIONALE_USERS, demo_registry
from pulse_pipeline.errors import PulseError
from pulse_pipeline.interactions.common_cut import first_test, is_past, last_training, start_of_test
from pulse_pipeline.lineage import Lineage, rows_of
from pulse_pipeline.rationales.assignments import Desk, Domain
from pulse_pipeline.settings import Settings
from pulse_pipeline.tuning import Budget
from resources.instance import open_instance
from resources.storage import read_models
from tests.assets.whole import FAKES, PROJECT, SETTINGS, events, rendered


def test_every_asset_key_is_materialised_in_its_group(inside):
    specs = build_defs(registry=PROJECT.registry, settings=PROJECT.settings).resolve_all_asset_specs()
    with open_instance(inside) as instance:
        for spec in specs:
            assert instance.get_latest_materialization_event(spec.key), spec.key
    assert {spec.group_name for spec in specs} == {
        "interactions",
        "rationales",
        "embeddings",
        "thought_space",
        "reasoner",
        "evaluation",
    }


def test_metadata_says_rows_schema_sample_and_the_mlflow_run(inside):
    with open_instance(inside) as instance:
        (event,) = events(instance, "rationales", "Demo_Films")
    table = pl.read_parquet(inside.storage / "rationales" / "Demo_Films.parquet")
    assert event.metadata["dagster/partition_row_count"].value == len(table)
    assert [column.name for column in event.metadata["dagster/column_schema"].value.columns] == table.columns
    assert "mlflow_run" in event.metadata
    assert event.metadata["valid_rate"].value == pytest.approx(table["valid"].mean())
    assert event.metadata["rejected_language"].value == 0.0


def test_each_materialisation_has_one_finished_mlflow_run_with_its_tags(inside):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=inside.mlflow_uri)
    (experiment,) = [found for found in client.search_experiments() if found.name == "pulse"]
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    keys = [(run.data.tags["dagster/asset_key"], run.data.tags["dagster/partition"]) for run in runs]
    assert len(keys) == len(set(keys)) == 22 * 3 + 4 + 2 * 7 + 7 * 3 + 1
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        for tag in ("dagster/run_id", "pulse/code_version", "pulse/data_version"):
            assert run.data.tags[tag]


def test_the_course_of_a_training_is_a_curve_in_mlflow_and_no_state_of_it_is_left(inside):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=inside.mlflow_uri)
    (experiment,) = [found for found in client.search_experiments() if found.name == "pulse"]
    of_model = "tags.`dagster/asset_key` = 'thought_space_model' and tags.`dagster/partition` = 'Demo_Films'"
    (run,) = client.search_runs([experiment.experiment_id], of_model)
    for name in ("next_item", "thought", "contrast", "rationale"):
        assert [point.step for point in client.get_metric_history(run.info.run_id, f"loo_{name}")] == [1]
    served = {f"loo_rationale_serving_weight_{place}" for place in ("Demo_Films", "abroad")}
    assert {run.data.metrics[name] for name in served} <= {0.0, 0.5, 1.0}
    scores = client.get_metric_history(run.info.run_id, "loo_val_ndcg_at_10")
    assert {point.step for point in scores} == {0, 1}
    assert not list(inside.training.rglob("*.safetensors"))


def test_the_same_input_gives_the_same_data_version_and_writes_no_rationale_again(inside):
    materialise(PROJECT, "raw_interactions,interactions,items,rationales", ["Demo_Films"], FAKES)
    with open_instance(inside) as instance:
        for asset in ("raw_interactions", "interactions", "items", "rationales"):
            versions = {event.tags["dagster/data_version"] for event in events(instance, asset, "Demo_Films")}
            assert len(versions) == 1, asset
        latest = events(instance, "rationales", "Demo_Films")[0]
    assert latest.metadata["generated"].value == 0
    assert latest.metadata["reused"].value > 0
    assert latest.metadata["price"].value == 0
    assert latest.metadata["total_generated"].value > 0
    assert latest.metadata["total_completion_tokens"].value > 0


def test_refinement_says_what_it_bought(inside):
    table = pl.read_parquet(inside.storage / "refined_rationales" / "Demo_Films.parquet")
    assert set(table["kind"]) == {"refined"}
    assert table["user_id"].n_unique() == len(table) <= DEMO_RATIONALE_USERS
    with open_instance(inside) as instance:
        (event,) = events(instance, "refined_rationales", "Demo_Films")
    figures = {name: value.value for name, value in event.metadata.items()}
    assert figures["completion_tokens_per_user"] > figures["completion_tokens_per_seed"]
    assert 0 <= figures["valid_ndcg@10_refined"] <= 1
    assert -1 <= figures["score_level_1"] <= 1


def test_items_have_rationales(inside):
    table = pl.read_parquet(inside.storage / "item_rationales" / "Demo_Films.parquet")
    items = pl.read_parquet(inside.storage / "items" / "Demo_Films.parquet")
    assert table["item_id"].to_list() == items["item_id"].to_list()


def test_representatives_are_written_for_and_the_others_inherit(tmp_path, monkeypatch):
    monkeypatch.setenv("PULSE_HOME", str(tmp_path))
    project = Project(demo_registry(), Settings.model_validate({"rationales": {"representatives": 0.2}}))
    chosen = "raw_interactions,interactions,items,rationales,rationale_embeddings"
    materialise(project, chosen, ["Demo_Films"], FAKES)
    table = pl.read_parquet(tmp_path / "storage" / "rationales" / "Demo_Films.parquet")
    own = table.filter(pl.col("inherited_from").is_null())
    assert own["user_id"].n_unique() == DEMO_RATIONALE_USERS // 5
    assert table["user_id"].n_unique() == DEMO_RATIONALE_USERS
    vectors = pl.read_parquet(tmp_path / "storage" / "rationale_embeddings" / "Demo_Films.parquet")
    assert set(vectors["user_id"]) == set(table.filter("valid")["user_id"])


def test_people_who_arrive_from_other_domains_have_bridging_rationales(inside):
    table = pl.read_parquet(inside.storage / "bridging_rationales" / "Demo_Films.parquet")
    assert set(table["source"]) == {"Demo_Books", "Demo_Games"}
    here = set(pl.read_parquet(inside.storage / "interactions" / "Demo_Films.parquet")["user_id"])
    assert set(table["user_id"]) <= here
    assert table["valid"].any()


def test_lineage_reaches_every_raw_table_a_model_was_made_from(inside):
    definitions = build_defs(registry=PROJECT.registry, settings=PROJECT.settings)
    with open_instance(inside) as instance:
        chain = Lineage(definitions, instance).chain("thought_space_model", "all-but-Demo_Games")
    names = {link.name for link in chain}
    assert chain[0].name == "thought_space_model[all-but-Demo_Games]"
    assert {"raw_interactions[Demo_Films]", "raw_interactions[Demo_Books]"} <= names
    assert not any("Demo_Games]" in name and "all-but" not in name for name in names)
    assert all(link.data_version and link.code_version for link in chain)


def test_lineage_shows_what_was_read_not_what_is_there_now(inside):
    definitions = build_defs(registry=PROJECT.registry, settings=PROJECT.settings)

    def chain():
        with open_instance(inside) as instance:
            found = Lineage(definitions, instance).chain("item_embeddings", "Demo_Games")
        return {link.asset: link for link in found}

    read = chain()
    with open_instance(inside) as instance:
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                "items", partition="Demo_Games", tags={"dagster/data_version": "something else"}
            )
        )
    after = chain()
    assert list(after) == list(read) == ["item_embeddings", "items", "interactions", "raw_interactions"]
    assert after["items"].data_version == read["items"].data_version
    assert after["items"].replaced and not read["items"].replaced
    assert after["items"].made_from == {"interactions[Demo_Games]": read["interactions"].data_version}


def test_lineage_names_prompt_and_model(inside):
    definitions = build_defs(registry=PROJECT.registry, settings=PROJECT.settings)
    with open_instance(inside) as instance:
        chain = Lineage(definitions, instance).chain("rationale_embeddings", "Demo_Books")
    made_with = {link.asset: link.made_with for link in chain}
    assert made_with["rationales"]["prompt_fingerprint"] == PROJECT.settings.rationales.fingerprint()
    assert made_with["rationales"]["model_revision"]
    assert made_with["rationale_embeddings"]["model"] == PROJECT.settings.encoder.model
    assert made_with["interactions"] == {}


def test_a_row_of_lineage_names_prompt_and_model(inside):
    user = pl.read_parquet(inside.storage / "rationales" / "Demo_Films.parquet")["user_id"][0]
    rows = rows_of(inside, "rationales", "Demo_Films", user)
    assert {row["user_id"] for row in rows} == {user}
    assert all(row["spec_fingerprint"] and row["model_revision"] and row["history_hash"] for row in rows)


def test_the_report_and_its_figures_agree(inside):
    page = (inside.report / "index.html").read_text()
    figures = json.loads((inside.report / "metrics.json").read_text())
    assert {row["dataset"] for row in figures} == set(PROJECT.registry.names)
    assert metrics(inside, demo_registry()).height > 0
    assert "http" not in page.split("<body")[0].replace("http-equiv", "")
    assert "Demo_Games" in page


def test_zero_shot_cells_are_trained_without_their_target(inside):
    cell = pl.read_parquet(
        inside.storage / "cross_domain_evaluation" / "all-but-Demo_Games" / "Demo_Games.parquet"
    )
    assert set(cell["train_mix"]) == {"all-but-Demo_Games"}
    assert "loo" in set(cell["protocol"])
    models = read_models(inside.models / "all-but-Demo_Games")
    assert {tuple(one.model.catalogues) for one in models.values()} == {("Demo_Books", "Demo_Films")}


def test_a_mix_that_leaves_a_domain_out_stops_by_a_source_that_is_held_out(inside):
    with open_instance(inside) as instance:
        travels, joint = (
            events(instance, "thought_space_model", mix)[0].metadata for mix in ("all-but-Demo_Games", "all")
        )
    judges = {name.removeprefix("loo_held_out_epoch_") for name in travels if "loo_held_out_epoch_" in name}
    assert len(judges) == 1
    assert judges < {"Demo_Books", "Demo_Films"}
    judge = judges.pop()
    model = read_models(inside.models / "all-but-Demo_Games")["loo"]
    if travels["loo_rationale_serving_weight_abroad"].value:  # then how long is the held-out source's to say
        assert model.history["epoch"].max() == travels[f"loo_held_out_epoch_{judge}"].value
    assert not any("held_out" in name for name in joint)


def test_a_cell_is_temporal_where_the_mix_knows_nothing_from_after_the_test_began(inside):
    registry = PROJECT.registry
    tables = {
        name: pl.read_parquet(inside.storage / "interactions" / f"{name}.parquet") for name in registry.names
    }
    found = {}
    for cell in (inside.storage / "cross_domain_evaluation").rglob("*.parquet"):
        mix, target = cell.parent.name, cell.stem
        until = first_test(tables[name] for name in registry.members(mix))
        temporal = "temporal" in set(pl.read_parquet(cell)["protocol"])
        assert temporal == (until <= start_of_test(tables[target])), (mix, target)
        found[mix, target] = temporal
    assert not all(found.values())
    assert any(temporal for (mix, target), temporal in found.items() if target not in registry.members(mix))
    assert all(temporal for (mix, _), temporal in found.items() if mix == "all")


def test_every_model_is_measured_among_the_same_frozen_candidates(inside):
    candidates = pl.read_parquet(inside.storage / "candidates" / "Demo_Films.parquet")
    assert set(candidates["protocol"]) == {"loo", "temporal"}
    own = pl.read_parquet(inside.storage / "in_domain_evaluation" / "Demo_Films.parquet")
    cell = pl.read_parquet(inside.storage / "cross_domain_evaluation" / "all" / "Demo_Films.parquet")
    for table in (own, cell):
        measured = table.filter(slice="all", metric="HR", k=1).select("model", "protocol", "candidates")
        sizes = {"full", "100", "20", "5"}
        for _, rows in measured.group_by("model", "protocol"):
            assert set(rows["candidates"]) == sizes
    with open_instance(inside) as instance:
        read = {
            asset: events(instance, asset, "Demo_Films")[0].metadata["inputs"].value["candidates[Demo_Films]"]
            for asset in ("baseline_scores", "in_domain_evaluation", "reasoner_evaluation", "seed_evaluation")
        }
        (drawn,) = events(instance, "candidates", "Demo_Films")
    assert set(read.values()) == {drawn.tags["dagster/data_version"]}


def test_other_seeds_have_rows_of_their_own_and_are_summed_up(inside):
    figures = metrics(inside, demo_registry()).filter(dataset="Demo_Films", model="PULSE", arm="pulse")
    own = figures.filter(train_mix="Demo_Films", metric="NDCG", k=10, slice="all", candidates="full")
    assert own.select("protocol", "seed").sort("protocol", "seed").rows() == [
        ("loo", 0),
        ("loo", 1),
        ("temporal", 0),
        ("temporal", 1),
    ]
    assert own["p_value_holm"].null_count() == 0
    means = figures.filter(metric="NDCG mean of seeds")
    assert sorted(means["protocol"]) == ["loo", "temporal"]
    for row in means.iter_rows(named=True):
        assert row["value"] == pytest.approx(own.filter(protocol=row["protocol"])["value"].mean())
    assert not list(inside.training.rglob("*.safetensors"))


def test_tuning_spends_one_budget_on_all_and_is_kept_in_mlflow(inside):
    from mlflow import MlflowClient

    settings = Settings.model_validate({**SETTINGS, "baselines": {"run": ["popularity", "ease", "item_knn"]}})
    budget = Budget(trials=2, max_seconds=600)
    found = {"pulse": tune(inside, settings, "Demo_Films", protocol="loo", held_out=None, budget=budget)}
    found |= tune_baselines(inside, settings, "Demo_Films", protocol="loo", budget=budget)
    assert {name: len(tuned.log) for name, tuned in found.items()} == {"pulse": 2, "ease": 2, "item_knn": 2}
    client = MlflowClient(tracking_uri=inside.mlflow_uri)
    (experiment,) = [one for one in client.search_experiments() if one.name == "pulse-tuning"]
    runs = {run.data.tags["pulse/model"]: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() == found.keys()
    for name, run in runs.items():
        assert run.data.params["trials"] == "2"
        tried = [point.value for point in client.get_metric_history(run.info.run_id, "value")]
        assert sorted(tried) == sorted(found[name].log["value"])
    with pytest.raises(PulseError, match="one domain"):
        list(tune_baselines(inside, settings, "all", protocol="loo", budget=budget))


def test_the_faithful_arm_has_rows_of_its_own(inside):
    found = pl.read_parquet(inside.storage / "reasoner_evaluation" / "Demo_Films.parquet")
    assert set(found["arm"]) == {"faithful"}
    assert set(found["candidates"]) == {"20", "5"}
    assert set(found["protocol"]) == {"loo", "temporal"}
    assert set(found["train_mix"]) == {None, "Demo_Films", "all", "all-but-Demo_Films"}
    for model in ("LoRA reasoner", "LoRA reasoner, no rationale", "untuned LM", "untuned LM, no rationale"):
        assert model in set(found["model"])
    assert found["value"].is_between(-1, 1).all()
    tables = {
        name: pl.read_parquet(inside.storage / "interactions" / f"{name}.parquet")
        for name in demo_registry().domains
    }
    all_are_past = is_past(last_training(tables.values()), tables["Demo_Films"])
    assert ("all" in set(found.filter(protocol="temporal")["train_mix"])) == all_are_past
    shown = rendered(candidate_table(metrics(inside, demo_registry()), {"Demo_Films"}))
    assert "all-but-Demo_Films" in shown
    assert "HR@1 of 20" in shown


def test_ablations_are_kept_and_shown(inside):
    figures = pl.read_parquet(inside.storage / "ablation_evaluation" / "Demo_Films.parquet")
    differences = figures.filter(metric="NDCG difference", slice="all")
    assert differences["model"].to_list() == ["PULSE - no rationales", "PULSE - BM25"]
    assert "no rationales" in rendered(ablation_table(figures))
    assert len(list((inside.ablations / "Demo_Films").glob("*.parquet"))) == 3


def test_transfer_and_arrivals_are_shown_where_they_were_evaluated(inside):
    figures = metrics(inside, demo_registry())
    few = rendered(few_shot_table(figures, {"Demo_Films"}))
    assert "Demo_Films (synthetic)" in few
    for model in ("PULSE", "popularity", "Markov+KNN"):
        assert model in few
    assert word_table(figures).row_count == 2
    arrived = rendered(arrival_table(figures))
    assert "popularity among arrivals" in arrived
    assert few_shot_table(figures.clear()).row_count == arrival_table(figures.clear()).row_count == 0


def test_published_seeds_see_the_item_by_name_and_thoughts_what_neighbours_chose(inside):
    items = pl.read_parquet(inside.storage / "items" / "Demo_Films.parquet")
    interactions = pl.read_parquet(inside.storage / "interactions" / "Demo_Films.parquet")
    seeds = pl.read_parquet(inside.storage / "published_seeds" / "Demo_Films.parquet")
    assert set(seeds["kind"]) == {"hindsight"}
    alike = pl.read_parquet(inside.storage / "published_neighbours" / "Demo_Films.parquet")
    assert len(alike)
    desk = Desk(PROJECT.settings.rationales_as_published, inside.cache)
    domain = Domain("Demo_Films", interactions, items, DEMO_RATIONALE_USERS, alike)
    asked = desk.published_seeds(domain)
    chosen = asked.wanted.join(
        interactions, left_on=["user_id", "target_position"], right_on=["user_id", "position"]
    ).join(items.select("item_id", "title"), on="item_id")
    shown = asked.writer.render(asked.wanted).join(chosen, on=["user_id", "target_position"])
    assert all(title in prompt for title, prompt in shown.select("title", "user").iter_rows())
    assert asked.look_up().open.is_empty()
    told = desk.published_trees(domain)
    prompts = told.writer.render(told.wanted)["user"]
    assert prompts.str.contains('People who choose alike also chose:\n- "').mean() > 0.5


def test_published_thoughts_are_written_before_the_item_that_scores_them(inside):
    thoughts = pl.read_parquet(inside.storage / "published_rationales" / "Demo_Films.parquet")
    interactions = pl.read_parquet(inside.storage / "interactions" / "Demo_Films.parquet")
    placed = thoughts.join(
        interactions, left_on=["user_id", "target_position"], right_on=["user_id", "position"]
    )
    assert len(placed) == len(thoughts) <= DEMO_RATIONALE_USERS
    assert set(placed["split_loo"]) == set(placed["split_temporal"]) == {"train"}
    with open_instance(inside) as instance:
        (event,) = events(instance, "published_thought_space", "Demo_Films")
    assert event.metadata["loss_floor"].value == pytest.approx(0.856, abs=1e-3)
    assert event.metadata["val_loss"].value > event.metadata["loss_floor"].value


def test_what_costs_much_is_made_only_if_it_is_named():
    definitions = build_defs(registry=PROJECT.registry, settings=PROJECT.settings)

    def chosen(selection):
        found = groups(definitions, PROJECT, selection, PROJECT.registry.names)
        return {name for group in found for name in group.assets}

    costly = {
        "item_rationales",
        "refined_rationales",
        "bridging_rationales",
        "published_neighbours",
        "published_seeds",
        "published_thought_space",
        "published_rationales",
        "reasoner_model",
        "reasoner_evaluation",
        "ablation_evaluation",
        "seed_evaluation",
    }
    for selection in (None, "rationales+", "*report", "group:evaluation"):
        assert not chosen(selection) & costly, selection
    assert chosen("*reasoner_evaluation") & costly == costly - {
        "item_rationales",
        "refined_rationales",
        "bridging_rationales",
        "ablation_evaluation",
        "seed_evaluation",
    }
    assert chosen("group:reasoner") == {"reasoner_model"}
    assert chosen("reasoner_evaluation") == {"reasoner_evaluation"}


def test_all_asset_specs_are_as_recorded(snapshot):
    specs = build_defs(registry=PROJECT.registry, settings=PROJECT.settings).resolve_all_asset_specs()
    described = {
        spec.key.to_user_string(): {
            "group": spec.group_name,
            "partitions": type(spec.partitions_def).__name__,
            "made_from": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
        }
        for spec in specs
    }
    assert described == snapshot


def test_neighbours_are_an_input_of_rationales_only_where_a_prompt_names_them(inside):
    slotted = {"foresight": "{history}\nPeople like them chose:\n{neighbours}\nWhy?"}
    project = Project(PROJECT.registry, Settings.model_validate({"rationales": slotted}))
    materialise(project, "rationales", ["Demo_Games"], FAKES)
    with open_instance(inside) as instance:
        latest, earlier = (
            event.metadata["inputs"].value for event in events(instance, "rationales", "Demo_Games")
        )
    assert set(latest) - set(earlier) == {"neighbours[Demo_Games]"}

"""Explanations, comparison and champion as assets and commands, on a small domain with stand-ins."""

import json
import shutil

import polars as pl
import pytest
import torch
from mlflow import MlflowClient

from assets.thought_space import weights_version
from pulse_pipeline.cli import app
from pulse_pipeline.commands.comparing import find_run, folder_run
from pulse_pipeline.errors import PulseError
from pulse_pipeline.evaluation.explanations import judged
from pulse_pipeline.evaluation.in_domain import MODEL, SHUFFLED, WITHOUT
from pulse_pipeline.home import Home
from resources.champions import ALIAS, Champions, model_name
from resources.storage import read_models, write_models
from resources.tracking import TrackedRun
from tests.assets.small_world import N_USERS, NAME, run, write_world

TRAINED = (
    "raw_interactions,interactions,items,rationales,item_embeddings,rationale_embeddings,thought_space_model,"
    "candidates,baseline_scores,in_domain_evaluation,explanation_evaluation,champion,report"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("evidence")
    registry = write_world(root)
    run(root, TRAINED, registry)
    return root, registry


@pytest.fixture
def home(world, monkeypatch):
    root, _ = world
    monkeypatch.setenv("PULSE_HOME", str(root / "home"))
    return Home(root / "home")


@pytest.fixture
def own(world, tmp_path, monkeypatch):
    """A copy of the home, its registry of models empty, and what materialises the champion in it."""
    root, registry = world
    shutil.copytree(root / "home", tmp_path / "home")
    home = Home(tmp_path / "home")
    monkeypatch.setenv("PULSE_HOME", str(home.root))
    MlflowClient(home.mlflow_uri, home.mlflow_uri).delete_registered_model(model_name(NAME))

    def decide():
        run(tmp_path, "champion", registry)
        return pl.read_parquet(home.storage / "champion" / f"{NAME}.parquet").row(0, named=True)

    return home, decide


def _table(home, asset):
    return pl.read_parquet(home.storage / asset / f"{NAME}.parquet")


# Explanations


def test_all_figures_of_explanations_are_there(home):
    table = _table(home, "explanation_evaluation")
    assert set(table["metric"]) == set(judged.METRICS)
    assert set(table["protocol"]) == {"loo", "temporal"}
    assert set(table["slice"]) == {"rationale:yes"}
    kept = table.filter(metric=judged.OVERLAP, protocol="loo")
    assert set(kept["model"]) == {WITHOUT, SHUFFLED, judged.KEY_SENTENCE, judged.OTHER_SENTENCE}
    assert set(kept["train_mix"]) == {NAME}
    for row in table.filter(pl.col("ci_low").is_not_null()).iter_rows(named=True):
        assert row["ci_low"] - 1e-6 <= row["value"] <= row["ci_high"] + 1e-6, row


def test_stand_in_rationales_repeat_reviews_so_they_name_nothing_foreign_and_are_specific(home):
    of = _table(home, "explanation_evaluation").filter(protocol="loo", model=judged.RATIONALES)
    figures = dict(of.select("metric", "value").iter_rows())
    assert figures[judged.HALLUCINATED] == 0
    assert figures[judged.UNKNOWN] == 0
    assert figures[judged.DUPLICATES] == 0  # each names its user's number
    assert figures[judged.SPECIFICITY] > 0.6


def test_the_answers_of_explain_name_catalogue_items_of_the_user_only(home):
    (row,) = _table(home, "explanation_evaluation").filter(model=judged.ANSWERS).iter_rows(named=True)
    assert (row["metric"], row["value"]) == (judged.HALLUCINATED, 0)
    assert row["n_users"] <= judged.MOST_ANSWERS


def test_the_leak_probe_is_a_row_with_chance_beside_it(home):
    probe = _table(home, "explanation_evaluation").filter(metric=judged.LEAK, protocol="loo")
    assert set(probe["model"]) == {judged.HINDSIGHT, judged.FORESIGHT, "chance"}
    assert probe.filter(model="chance")["value"][0] == pytest.approx(10 / 30)


def test_figures_of_explanations_reach_mlflow_and_the_report(home):
    client = MlflowClient(home.mlflow_uri, home.mlflow_uri)
    (experiment,) = [one for one in client.search_experiments() if one.name == "pulse"]
    asset = "tags.`dagster/asset_key` = 'explanation_evaluation'"
    (logged,) = client.search_runs([experiment.experiment_id], asset)
    assert f"loo_{judged.HALLUCINATED}_{judged.RATIONALES}" in logged.data.metrics
    reported = json.loads((home.report / "metrics.json").read_text())
    assert {row["metric"] for row in reported} >= set(judged.METRICS)


# Comparison


def test_ranks_of_each_user_are_kept_beside_the_figures(home):
    ranks = pl.read_parquet(home.report / "ranks.parquet")
    figures = json.loads((home.report / "metrics.json").read_text())
    (hit_rate,) = [
        row["value"]
        for row in figures
        if (row["model"], row["train_mix"], row["protocol"], row["slice"], row["candidates"])
        == (MODEL, NAME, "loo", "all", "full")
        and (row["metric"], row["k"]) == ("HR", 10)
    ]
    own = ranks.filter(model=MODEL, train_mix=NAME, protocol="loo")
    assert own["user_id"].n_unique() == len(own) == N_USERS
    assert (own["rank"] <= 10).mean() == pytest.approx(hit_rate)


def test_a_run_against_an_earlier_one_is_paired(own, world, tmp_path, monkeypatch, capsys):
    home, _ = own
    before = tmp_path / "before"
    shutil.copytree(home.report, before / "report")
    ranks = pl.read_parquet(before / "report" / "ranks.parquet")
    # The earlier run had put every target of our model last.
    worse = pl.when(pl.col("model") == MODEL).then(30).otherwise("rank")
    ranks.with_columns(rank=worse).write_parquet(before / "report" / "ranks.parquet")
    (tmp_path / "domains.yaml").write_text(
        f"domains:\n  {NAME}: {{source: tabular, interactions: {world[0]}/log.parquet, "
        f"items: {world[0]}/items.parquet, min_interactions: 0}}\n"
    )
    monkeypatch.setenv("PULSE_DOMAINS", str(tmp_path / "domains.yaml"))
    app(["report", "--against", str(before), "--json"], standalone_mode=False)
    document = json.loads(capsys.readouterr().out)
    deltas = {
        (one["model"], one["train_mix"], one["protocol"], one["metric"], one["slice"]): one
        for one in document["deltas"]
        if one["candidates"] in {"full", "none"}
    }
    ours = deltas[MODEL, NAME, "loo", "NDCG", "all"]
    assert ours["pairing"] == "paired"
    assert ours["difference"] == pytest.approx(ours["now"])
    assert ours["ci_low"] > 0
    assert ours["p_value"] < 0.05
    same = deltas["popularity", NAME, "loo", "NDCG", "all"]
    assert (same["difference"], same["ci_low"], same["ci_high"]) == (0, 0, 0)
    assert deltas["rationales", None, "loo", "specificity", "rationale:yes"]["pairing"].startswith("unpaired")
    assert MODEL in (home.report / "comparison.html").read_text()


def test_a_run_is_found_by_its_mlflow_id(home):
    client = MlflowClient(home.mlflow_uri, home.mlflow_uri)
    (experiment,) = [one for one in client.search_experiments() if one.name == "pulse"]
    for asset, whole in (("report", True), ("in_domain_evaluation", False)):
        (logged,) = client.search_runs([experiment.experiment_id], f"tags.`dagster/asset_key` = '{asset}'")
        found = find_run(logged.info.run_id)
        assert len(found.ranks) > 0
        if whole:
            assert found.metrics.equals(folder_run(home.report).metrics)


@pytest.mark.parametrize("named", ["nowhere", "0" * 32, "."])
def test_a_run_that_is_not_there_is_one_line(home, tmp_path, monkeypatch, named):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PulseError) as raised:
        find_run(named)
    assert "\n" not in str(raised.value)
    assert named in str(raised.value)


def test_figures_that_are_none_of_ours_are_one_line(tmp_path):
    (tmp_path / "metrics.json").write_text('[{"metric": 1}]')
    with pytest.raises(PulseError, match="name a run of PULSE"):
        find_run(str(tmp_path))


# Champion


def _version(home):
    return str(
        MlflowClient(home.mlflow_uri, home.mlflow_uri)
        .get_model_version_by_alias(model_name(NAME), ALIAS)
        .version
    )


def _spoilt(home):
    """The domain's models with an ID residual of noise."""
    models = read_models(home.models / NAME)
    for trained in models.values():
        with torch.no_grad():
            trained.model.home(NAME).following.fill_(0)
            for name, parameter in trained.model.homes.named_parameters():
                if "bias" in name:
                    parameter.copy_(10 * torch.randn(parameter.shape, generator=torch.manual_seed(1)))
    return models


def _promoted(home, models, folder):
    """Make models the champion, whatever they are worth."""
    client = MlflowClient(home.mlflow_uri, home.mlflow_uri)
    (experiment,) = [one for one in client.search_experiments() if one.name == "pulse"]
    made = client.create_run(experiment.experiment_id)
    write_models(folder, models)
    logged = TrackedRun(client, made.info.run_id, experiment.experiment_id)
    return Champions().promote(NAME, logged, folder, weights_version(models))


def test_the_first_model_becomes_champion_and_equal_weights_change_nothing(own):
    home, decide = own
    first = decide()
    assert first["promoted"], first
    assert first["version"] == _version(home) == "1"
    again = decide()
    assert not again["promoted"]
    assert again["reason"] == "the champion has the same weights"
    assert _version(home) == "1"


def test_a_worse_model_is_not_promoted_and_the_champions_weights_outlive_it(own, tmp_path):
    home, decide = own
    decide()
    good = weights_version(read_models(home.models / NAME))
    write_models(home.models / NAME, _spoilt(home))
    found = decide()
    assert not found["promoted"]
    assert found["ci_high"] < 0
    assert found["version"] == _version(home) == "1"
    assert found["n_users"] == N_USERS
    champion = Champions().current(NAME)
    (tmp_path / "weights").mkdir()
    kept = read_models(Champions().weights(champion, tmp_path / "weights"))
    assert weights_version(kept) == champion.weights == good


def test_a_better_model_is_promoted(own, tmp_path):
    home, decide = own
    _promoted(home, _spoilt(home), tmp_path / "spoilt")
    found = decide()
    assert found["promoted"], found
    assert found["ci_low"] >= 0
    assert found["version"] == _version(home) == "2"


def test_nothing_moves_where_a_blocking_check_fails(own, tmp_path):
    home, decide = own
    _promoted(home, _spoilt(home), tmp_path / "spoilt")
    path = home.storage / "rationales" / f"{NAME}.parquet"
    pl.read_parquet(path).with_columns(valid=pl.lit(False)).write_parquet(path)
    found = decide()
    assert not found["promoted"]
    assert found["reason"] == "a blocking check failed: enough_are_valid of rationales"
    assert _version(home) == "1"


def test_nor_where_one_of_what_was_written_about_items_fails(own, world, tmp_path):
    home, decide = own
    _promoted(home, _spoilt(home), tmp_path / "spoilt")
    run(tmp_path, "item_rationales", world[1])
    path = home.storage / "item_rationales" / f"{NAME}.parquet"
    pl.read_parquet(path).with_columns(valid=pl.lit(False)).write_parquet(path)
    found = decide()
    assert found["reason"] == "a blocking check failed: enough_are_valid of item_rationales"
    assert _version(home) == "1"


def test_a_first_model_below_its_untrained_start_stays_out(own):
    home, decide = own
    write_models(home.models / NAME, _spoilt(home))
    found = decide()
    assert not found["promoted"]
    assert "a loss to text-kNN centred is not excluded" in found["reason"]
    assert found["version"] is None


def test_a_champion_that_cannot_read_todays_tables_is_replaced(own, tmp_path):
    home, decide = own
    models = _spoilt(home)
    models.origin["encoder"] = "another encoder"
    _promoted(home, models, tmp_path / "other")
    found = decide()
    assert found["promoted"]
    assert found["reason"].startswith("the champion cannot read the tables of today")

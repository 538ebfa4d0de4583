from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pulse_pipeline.errors import PulseError
from pulse_pipeline.thought_space import checkpoint
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import train, untrained


@pytest.fixture
def model(plant):
    built = untrained([plant("films"), plant("jeux vidéo.2")], ThoughtSpaceConfig())
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter.view(-1, 1), std=0.1)
    return built.eval()


def test_a_loaded_model_scores_exactly_as_the_saved_one(plant, tmp_path):
    data = plant()
    trained = train("films", [data], ThoughtSpaceConfig(device="cpu", epochs=3)).model
    checkpoint.save(tmp_path / "model", trained, {"mix": "films"})
    loaded = checkpoint.load(tmp_path / "model")
    users = np.arange(20)
    for use in ("own", "none"):
        before, after = (
            ThoughtSpaceRanker(m, rationales=use).score(data, users, "test") for m in (trained, loaded)
        )
        assert np.array_equal(before, after)
    assert loaded.config == trained.config
    assert checkpoint.read_metadata(tmp_path / "model") == {"mix": "films"}


def test_a_checkpoint_from_before_weights_were_fitted_is_read_as_it_served(model, tmp_path):
    checkpoint.save(tmp_path / "model", model)
    weights = load_file(tmp_path / "model" / checkpoint.WEIGHTS)
    old = {
        name: value
        for name, value in weights.items()
        if not name.endswith((".trend", "rationale_serving_weight"))
    }
    assert len(old) == len(weights) - 5
    save_file(old, tmp_path / "model" / checkpoint.WEIGHTS)
    loaded = checkpoint.load(tmp_path / "model")
    assert all(float(home.trend) == 0 for home in loaded.homes)
    assert all(float(home.rationale_serving_weight) == 1 for home in loaded.homes)
    assert float(loaded.rationale_serving_weight) == 1


def test_a_reordered_catalogue_finds_its_residuals_by_id(plant, model, tmp_path):
    checkpoint.save(tmp_path / "model", model)
    loaded, data = checkpoint.load(tmp_path / "model"), plant()
    order = np.random.default_rng(0).permutation(data.n_items)
    moved = replace(
        data,
        item_ids=[data.item_ids[index] for index in order],
        item_vectors=data.item_vectors[order],
        sequences=[np.argsort(order)[sequence] for sequence in data.sequences],
    )
    users = np.arange(10)
    before = ThoughtSpaceRanker(loaded).score(data, users, "test")
    after = ThoughtSpaceRanker(loaded).score(moved, users, "test")
    assert np.allclose(before[:, order], after, atol=1e-3)


def test_a_new_item_has_no_residual(plant, model):
    data = plant()
    renamed = replace(data, item_ids=["new", *data.item_ids[1:]])
    space = model.space(renamed)
    assert model.item_bias(space, home=True)[0] == 0
    assert (model.item_bias(space, home=True)[1:] != 0).all()


def test_no_pickle_is_written(model, tmp_path):
    checkpoint.save(tmp_path / "model", model)
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["catalogues.json", "config.json", "model.safetensors"]


@pytest.mark.parametrize("name", [checkpoint.WEIGHTS, checkpoint.SETTINGS, checkpoint.CATALOGUES])
@pytest.mark.parametrize("fault", ["missing", "cut"])
def test_a_damaged_checkpoint_is_named(model, tmp_path, name, fault):
    checkpoint.save(tmp_path / "model", model)
    path = tmp_path / "model" / name
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(PulseError, match="model holds no Thought Space checkpoint"):
        checkpoint.load(tmp_path / "model")

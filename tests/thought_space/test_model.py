import numpy as np
import torch

from pulse_pipeline.thought_space import geometry
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.model import ThoughtSpace
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import untrained


def knn(data, users, window=10):
    items = geometry.centred(data.item_vectors, geometry.measure(data.item_vectors).centre)
    means = np.stack([items[data.history(user, "test")[-window:]].mean(axis=0) for user in users])
    return means @ items.T


def test_untrained_it_ranks_as_centred_text_knn_at_home_and_abroad(plant):
    data, users = plant(length=14), np.arange(40)
    for catalogue in ("films", "elsewhere"):
        model = ThoughtSpace(24, {catalogue: data.item_ids}, ThoughtSpaceConfig())
        scores = ThoughtSpaceRanker(model).score(data, users, "test")
        expected = knn(data, users)
        scale = np.linalg.norm(scores, axis=1) / np.linalg.norm(expected, axis=1)
        assert np.allclose(scores, expected * scale[:, None], atol=1e-3)


def test_behaviour_never_looks_ahead(plant):
    data = plant()
    model = untrained([data], ThoughtSpaceConfig()).eval()
    torch.nn.init.normal_(model.attention.leave.weight)
    histories = torch.randn(3, 6, 24)
    changed = histories.clone()
    changed[:, 4:] = torch.randn(3, 2, 24)
    before, after = (model.behaviour(h, home=True) for h in (histories, changed))
    assert torch.allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not torch.allclose(before[:, 4:], after[:, 4:], atol=1e-3)


def test_the_gate_is_exactly_closed_without_a_rationale(plant):
    data = plant()
    model = untrained([data], ThoughtSpaceConfig()).eval()
    torch.nn.init.normal_(model.gate.out.weight)
    space = model.space(data)
    vectors = torch.from_numpy(data.rationales.serving[:4].copy())
    vectors[1] = float("nan")
    why = model.rationales(space, vectors, home=True)
    behaviour = torch.nn.functional.normalize(torch.randn(4, 24), dim=1)
    openness = model.gate(behaviour, why)
    assert openness[1] == 0
    assert (openness[[0, 2, 3]] != 0).all()
    assert torch.allclose(model.fuse(behaviour, why)[1], behaviour[1], atol=1e-6)


def test_rationales_are_centred_and_start_as_they_are(plant):
    data = plant()
    model = untrained([data], ThoughtSpaceConfig()).eval()
    vectors = torch.from_numpy(data.rationales.serving)
    why = model.rationales(model.space(data), vectors, home=True)
    centre = np.concatenate([data.rationales.serving, data.rationales.training]).mean(axis=0)
    expected = torch.nn.functional.normalize(vectors - torch.from_numpy(centre), dim=1)
    assert torch.allclose(why, expected, atol=1e-4)


def test_items_without_text_are_neutral(plant):
    data = plant()
    data.item_vectors[3] = 0
    model = untrained([data], ThoughtSpaceConfig()).eval()
    ranker = ThoughtSpaceRanker(model)
    assert (ranker.item_matrix(data)[3] == 0).all()
    assert (ranker.score(data, np.arange(5), "valid")[:, 3] == 0).all()


def test_what_is_learned_of_a_domain_is_not_applied_abroad(plant):
    home, abroad = plant("films"), plant("games")
    model = untrained([home], ThoughtSpaceConfig()).eval()
    before = ThoughtSpaceRanker(model).score(abroad, np.arange(5), "test")
    for name, parameter in model.named_parameters():
        if name.startswith(("homes.", "attention.", "adapter.", "at_home.")):
            torch.nn.init.normal_(parameter)
    after = ThoughtSpaceRanker(model).score(abroad, np.arange(5), "test")
    assert np.array_equal(before, after)
    assert not np.allclose(ThoughtSpaceRanker(model).score(home, np.arange(5), "test"), before)

"""On a machine with a GPU a Thought Space is trained there, in bfloat16 where the GPU has it."""

import pytest
import torch

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.training import kept_epoch, train
from tests.thought_space.conftest import planted

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")


def test_what_is_trained_on_the_gpu_ranks_as_what_is_trained_on_the_cpu():
    config = ThoughtSpaceConfig(epochs=3, patience=3, batch_size=32)
    torch.cuda.reset_peak_memory_stats()
    there = train("films", [planted()], config)
    assert torch.cuda.max_memory_allocated() > 0
    here = train("films", [planted()], config.model_copy(update={"device": "cpu"}))
    assert {tensor.device.type for tensor in there.model.state_dict().values()} == {"cpu"}
    one, other = (kept_epoch(trained.history)["val_ndcg@10"] for trained in (there, here))
    assert one == pytest.approx(other, abs=0.05)
    assert one > here.history["val_ndcg@10"][0]

from dataclasses import replace

import numpy as np
import pytest

from pulse_pipeline.evaluation.baselines.text_knn import TextKNN
from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.scoring import ThoughtSpaceRanker
from pulse_pipeline.thought_space.training import untrained


@pytest.mark.parametrize(
    "ranker",
    [
        lambda data: ThoughtSpaceRanker(untrained([data], ThoughtSpaceConfig())),
        lambda data: TextKNN(centred=True).fit(data),
    ],
    ids=["thought space", "text-kNN"],
)
@pytest.mark.parametrize("protocol", ["temporal", "loo"])
def test_texts_from_after_the_cut_move_nothing_but_their_own_items(plant, ranker, protocol):
    data = replace(plant(n_users=8), protocol=protocol)
    late = ~replace(data, protocol="temporal").listed
    assert 0 < late.sum() < data.n_items
    vectors = data.item_vectors.copy()
    vectors[late] = -vectors[late]
    users = np.arange(len(data.user_ids))
    before, after = (
        ranker(world).score(world, users, "valid")[:, ~late]
        for world in (data, replace(data, item_vectors=vectors))
    )
    # Leave-one-out knows no time: there every text of the catalogue may be looked at.
    assert np.allclose(before, after, atol=1e-5) == (protocol == "temporal")

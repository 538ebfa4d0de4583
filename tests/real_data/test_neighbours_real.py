"""Neighbours at the size of a real shop: every history has some, in seconds, in little memory."""

import resource
import time

from pulse_pipeline.interactions import ingest
from pulse_pipeline.interactions.neighbour_settings import NeighbourSettings
from pulse_pipeline.interactions.neighbours import nearest_neighbours
from pulse_pipeline.rationales.cuts import cut_points
from tests.real_data.test_ingest_real import normalised, pytestmark  # noqa: F401 (skips without the data)

MEGABYTE = 1024  # `ru_maxrss` counts kilobytes on Linux


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def test_beauty_takes_seconds_and_little_memory():
    config = normalised("amazon-2014/Beauty", columns={"title": "textual_id"})
    read = ingest.read_interactions(config).frame
    interactions = ingest.clean_interactions(read, config.min_interactions, config.name).frame
    histories = cut_points(interactions).select("user_id", "target_position").unique()
    peak, started = _peak(), time.monotonic()
    found = nearest_neighbours(interactions, histories, NeighbourSettings())
    # 4 s and 180 MB on two busy cores.
    assert time.monotonic() - started < 60
    assert _peak() - peak < 1000
    assert found.select("user_id", "target_position").n_unique() > 0.99 * len(histories)

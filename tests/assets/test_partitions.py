import dagster as dg
import pytest

from assets.partitions import SOURCE, TARGET, Partitions
from pulse_pipeline.domains import Registry, demo_registry


@pytest.mark.parametrize("domains", [1, 3])
@pytest.mark.parametrize("dimension", [SOURCE, TARGET])
def test_a_transfer_needs_its_mix_and_its_target(domains, dimension):
    names = demo_registry().names[:domains]
    partitions = Partitions(Registry({name: demo_registry().domain(name) for name in names}))
    key = dg.MultiPartitionKey({SOURCE: names[0], TARGET: names[-1]})
    upstream = partitions.mixes if dimension == SOURCE else partitions.domains
    needed = partitions.of_transfer(dimension).get_upstream_mapped_partitions_result_for_partitions(
        partitions.transfers.subset_with_partition_keys([key]), partitions.transfers, upstream
    )
    assert set(needed.partitions_subset.get_partition_keys()) == {names[0 if dimension == SOURCE else -1]}

from concurrent.futures import ThreadPoolExecutor

import polars as pl

from pulse_pipeline.shards import ShardStore

SCHEMA = pl.Schema([("key", pl.String), ("n", pl.Int32)])


def test_an_empty_store_is_an_empty_table(tmp_path):
    assert ShardStore(tmp_path / "none", SCHEMA).scan().collect().schema == SCHEMA


def test_appends_from_many_threads_are_all_there(tmp_path):
    store = ShardStore(tmp_path, SCHEMA)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda n: store.append(pl.DataFrame({"key": [str(n)], "n": [n]}, schema=SCHEMA)), range(40)
            )
        )
    assert store.scan().collect()["n"].sort().to_list() == list(range(40))


def test_half_a_shard_is_not_read(tmp_path):
    store = ShardStore(tmp_path, SCHEMA)
    store.append(pl.DataFrame({"key": ["a"], "n": [1]}, schema=SCHEMA))
    (tmp_path / ".shard-dead.parquet").write_bytes(b"PAR1 cut off")
    assert store.scan().collect()["key"].to_list() == ["a"]

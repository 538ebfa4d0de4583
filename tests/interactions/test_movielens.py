"""MovieLens in both of its layouts."""

from pathlib import Path

import polars as pl
import pytest

from pulse_pipeline.domains import DomainConfig
from pulse_pipeline.interactions import ingest

CSV = (
    "userId,movieId,rating,timestamp\n1,10,4.5,1400000000\n1,11,x,1400000001\n2,10,3.0,1400000002\n"
    "2,10\n2,11,1,1,1\n"
)
MOVIES = 'movieId,title,genres\n10,"Odd, The (1999)",Drama|Comedy\n11,Café (2000),(no genres listed)\n'
DAT = "1::10::4.5::1400000000\n1::11::x::1400000001\n2::10::3.0::1400000002\n2::10\n2::11::1::1::1\n"


@pytest.mark.parametrize("layout", ["csv", "dat"])
@pytest.mark.parametrize("by_folder", [True, False])
def test_movielens(tmp_path: Path, layout: str, by_folder: bool) -> None:
    if layout == "csv":
        (tmp_path / "ratings.csv").write_text(CSV)
        (tmp_path / "movies.csv").write_text(MOVIES, encoding="utf-8")
    else:
        (tmp_path / "ratings.dat").write_text(DAT)
        movies = "10::Odd, The (1999)::Drama|Comedy\n11::Café (2000)::(no genres listed)\n"
        (tmp_path / "movies.dat").write_text(movies, encoding="latin-1")

    def path(stem: str) -> Path:
        return tmp_path if by_folder else tmp_path / f"{stem}.{layout}"

    config = DomainConfig(
        name="Films", source="movielens", interactions=path("ratings"), items=path("movies")
    )
    read = ingest.read_interactions(config)
    assert read.frame.select("user_id", "item_id", "rating").rows() == [("1", "10", 4.5), ("2", "10", 3.0)]
    assert sorted(read.quarantine["source_row"]) == [2, 4, 5]
    everything = pl.DataFrame({"item_id": ["10", "11"]})
    items = ingest.read_items(config, everything).frame
    assert items.select("title", "categories").rows() == [
        ("Odd, The (1999)", ["Drama", "Comedy"]),
        ("Café (2000)", []),
    ]

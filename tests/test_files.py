import pytest

from pulse_pipeline.files import replacing


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "folder" / "table.parquet"
    with replacing(path) as aside:
        aside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "table.parquet"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_place_of_a_folder(tmp_path):
    path = tmp_path / "model"
    for content in ("old", "new"):
        with replacing(path) as aside:
            aside.mkdir()
            (aside / f"{content}.txt").write_text(content)
    assert [file.name for file in path.iterdir()] == ["new.txt"]
    assert list(tmp_path.iterdir()) == [path]

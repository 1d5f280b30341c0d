"""docs/scale.md, "Embedding a large collection", followed from the first command to the last."""

import shutil

import pyarrow.parquet as pq
import pytest

from .reader import DOCS, commands, reader_folder, shell

TITLE = "## Embedding a large collection\n"


def section():
    """From this title to the next of its rank."""
    return (DOCS / "scale.md").read_text().partition(TITLE)[2].partition("\n## ")[0]


@pytest.mark.slow
def test_every_command_of_the_section(tmp_path):
    pytest.importorskip("apache_beam", reason='needs pip install "byol_keras[beam]"')
    folder = reader_folder(tmp_path)
    shutil.copy(folder / "photos/cup/3.png", folder / "new.png")
    lines = commands(section())
    printed = [shell(line, folder) for line in lines]
    assert [line.split()[1] for line in lines] == ["embed", "search", "duplicates", "export", "-m"]
    assert "Written to photos.parquet: 32 of 32 images" in printed[0]
    assert "12 of 32 images" in printed[1]
    assert "lake.parquet: 32 images embedded by this pipeline, 0 excluded" in printed[4]
    names = pq.read_table(folder / "photos.parquet")["name"].to_pylist()
    assert sorted(pq.read_table(folder / "lake.parquet")["name"].to_pylist()) == names
    # The page goes on with both, and searches in either.
    assert "32 of 32" in shell(lines[0], folder)
    assert "0 images embedded" in shell(lines[4], folder)
    assert "12 of 32 images" in shell(lines[1].replace("photos.parquet", "lake.parquet"), folder)

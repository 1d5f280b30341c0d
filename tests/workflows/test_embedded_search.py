"""search and duplicates on what `embed` wrote: the same as on the images, without embedding them again."""

import csv

import numpy as np
import pytest

import byol_keras as bk
from byol_keras.utils.embeddings_folder import read_manifest

from .test_search import failure, run, tiles


@pytest.fixture
def embedded(encoder_file, folder, tmp_path):
    out = tmp_path / "photos.parquet"
    assert run("embed", encoder_file, "--data", folder, "--out", out) == 0
    return out


def search(encoder_file, index, query, page, *more):
    return run("search", encoder_file, "--index", index, "--query", query, "--out", page, "--neighbors", 6, *more)


def test_a_search_finds_what_it_finds_in_the_images(encoder_file, embedded, folder, tmp_path):
    query = folder / "red" / "2.png"
    for index, page in ((folder, "images.html"), (embedded, "embedded.html")):
        assert search(encoder_file, index, query, tmp_path / page) == 0
    assert tiles(tmp_path / "embedded.html") == tiles(tmp_path / "images.html")
    assert (tmp_path / "embedded.html").read_text().count("<img") == 1 + 6


@pytest.mark.slow
def test_images_that_are_gone_are_found_by_name(encoder_file, embedded, folder, save, tmp_path):
    query = save(tmp_path / "query.png", "red", 2)
    for path in folder.rglob("*.png"):
        path.unlink()
    assert search(encoder_file, embedded, query, tmp_path / "found.html") == 0
    found = tiles(tmp_path / "found.html")
    assert found[0] == ("0.000, cannot be read any more", "red/2.png")
    assert (tmp_path / "found.html").read_text().count("<img") == 1


@pytest.mark.slow
def test_duplicates_are_those_of_the_images(encoder_file, embedded, folder, tmp_path):
    for data, page in ((folder, "images.html"), (embedded, "embedded.html")):
        assert run("duplicates", encoder_file, "--data", data, "--out", tmp_path / page, "--threshold", 0.01) == 0
    with (tmp_path / "images.csv").open() as images, (tmp_path / "embedded.csv").open() as embeddings:
        expected, rows = list(csv.reader(images)), list(csv.reader(embeddings))
    assert len(rows) > 1
    assert rows == expected


@pytest.mark.slow
def test_an_array_has_no_tiles(encoder_file, tmp_path, save):
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    assert run("embed", encoder_file, "--data", tmp_path / "images.npz", "--out", tmp_path / "a.parquet") == 0
    assert search(encoder_file, tmp_path / "a.parquet", save(tmp_path / "q.png", "red", 2), tmp_path / "a.html") == 0
    assert run("duplicates", encoder_file, "--data", tmp_path / "a.parquet", "--out", tmp_path / "b.html") == 0
    assert (tmp_path / "a.html").read_text().count("<img") == 1
    assert all(figure.endswith(", not shown") for figure, _ in tiles(tmp_path / "a.html"))


def test_another_encoder_and_unfinished_embeddings_are_refused(
    encoder_file, embedded, folder, make_encoder, tmp_path, capfd
):
    make_encoder(7).save(tmp_path / "other.keras")
    asked = ["--query", folder / "red" / "2.png", "--out", tmp_path / "found.html"]
    line = failure(capfd, "search", tmp_path / "other.keras", "--index", embedded, *asked)
    assert f"{embedded} was made with another encoder ({read_manifest(embedded).encoder[:12]}, this is " in line
    (embedded / "part-00000.parquet").unlink()
    line = failure(capfd, "search", encoder_file, "--index", embedded, *asked)
    assert "1 of 1 parts are missing, the first part-00000.parquet" in line
    assert not (tmp_path / "found.html").exists()


def test_an_index_kept_of_embeddings_follows_them(encoder_file, encoder, embedded, folder, save, tmp_path, capfd):
    keep, query = tmp_path / "photos.index", folder / "red" / "2.png"
    assert search(encoder_file, embedded, query, tmp_path / "found.html", "--keep", keep) == 0
    save(folder / "red" / "2.png", "blue", 50)
    assert run("embed", encoder_file, "--data", folder, "--out", tmp_path / "new.parquet") == 0
    capfd.readouterr()
    index = bk.tasks.index_collection(encoder, bk.tasks.open_collection(tmp_path / "new.parquet"), cache=keep)
    assert "14 images as before, 0 new, 1 changed, 0 gone" in capfd.readouterr().err
    vectors = bk.evaluation.embed(encoder, bk.data.open_source(folder))
    order = [index.names.index(name) for name in bk.data.open_source(folder).names]
    np.testing.assert_allclose(index.embeddings[order], vectors, rtol=1e-4, atol=1e-5)

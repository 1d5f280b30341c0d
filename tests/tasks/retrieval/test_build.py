"""The index follows its folder; what need not be embedded again is not."""

import os
import re
import tarfile

import numpy as np
import pytest

from byol_keras.data import open_source
from byol_keras.errors import InputError
from byol_keras.evaluation import embed, l2_normalize_rows
from byol_keras.tasks import ImageIndex, index_collection, open_collection
from byol_keras.tasks.retrieval import build, neighbors
from byol_keras.utils import progress


@pytest.fixture
def embedded(monkeypatch):
    """The names of the images that were embedded, block by block."""
    blocks = []

    def noted(encoder, source, **how):
        blocks.append(list(source.names))
        return embed(encoder, source, **how)

    monkeypatch.setattr(build, "embed", noted)
    return blocks


def vector_of(index, name):
    return index.vectors[index.names.index(name)]


def test_a_folder_is_embedded_as_it_is_elsewhere(encoder, folder):
    index = index_collection(encoder, open_collection(folder))
    source = open_source(folder)
    assert tuple(index.names) == source.names
    embeddings = embed(encoder, source)
    np.testing.assert_allclose(index.vectors, l2_normalize_rows(embeddings), atol=1e-6)
    np.testing.assert_allclose(index.embeddings, embeddings, rtol=1e-5)


def test_only_what_is_new_or_changed_is_embedded_again(encoder, folder, save, tmp_path, embedded, capfd):
    cache = tmp_path / "photos.index"
    before = index_collection(encoder, open_collection(folder), cache)
    save(folder / "red" / "new.png", "red", 50)
    save(folder / "red" / "0.png", "blue", 51)
    (folder / "green" / "2.png").unlink()
    capfd.readouterr()
    after = index_collection(encoder, open_collection(folder), cache)
    assert [sorted(block) for block in embedded] == [before.names, ["red/0.png", "red/new.png"]]
    assert "13 images as before, 1 new, 1 changed, 1 gone" in capfd.readouterr().err
    fresh = index_collection(encoder, open_collection(folder))
    assert sorted(after.names) == sorted(fresh.names)
    for name in fresh.names:
        np.testing.assert_allclose(vector_of(after, name), vector_of(fresh, name), atol=1e-6)
    assert ImageIndex.load(cache).names == after.names


def test_nothing_is_embedded_where_nothing_changed(encoder, folder, tmp_path, embedded):
    for _ in range(2):
        index_collection(encoder, open_collection(folder), tmp_path / "photos.index")
    assert len(embedded) == 1


def test_a_graph_that_had_to_be_made_is_kept(encoder, folder, tmp_path, monkeypatch, embedded):
    cache = tmp_path / "photos.index"
    index_collection(encoder, open_collection(folder), cache)
    monkeypatch.setattr(neighbors, "APPROXIMATE_FROM", 4)  # as if usearch had been installed since
    index_collection(encoder, open_collection(folder), cache)
    with np.load(cache) as parts:
        assert "graph" in parts
    before = cache.stat()
    index_collection(encoder, open_collection(folder), cache)
    assert (cache.stat().st_ino, cache.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(embedded) == 1


def test_under_another_value_range_all_are_embedded_again(encoder, tmp_path, embedded):
    (tmp_path / "bands").mkdir()
    for i in range(3):
        values = np.random.default_rng(i).integers(0, 4096, (10, 12, 3)).astype(np.uint16)
        np.save(tmp_path / "bands" / f"{i}.npy", values)
    for value_range in ((0, 4095), (0, 65535), [0, 65535], None, None):
        index = index_collection(encoder, open_collection(tmp_path / "bands", value_range), tmp_path / "bands.index")
        assert len(index) == 3
    assert [len(block) for block in embedded] == [3, 3, 3]


def test_what_is_only_gone_is_gone_from_the_file_too(encoder, folder, tmp_path):
    index_collection(encoder, open_collection(folder), tmp_path / "photos.index")
    (folder / "green" / "2.png").unlink()
    index_collection(encoder, open_collection(folder), tmp_path / "photos.index")
    assert "green/2.png" not in ImageIndex.load(tmp_path / "photos.index").names


def test_it_is_gone_from_the_file_where_another_is_broken_too(encoder, folder, tmp_path):
    (folder / "red" / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    index_collection(encoder, open_collection(folder), tmp_path / "photos.index")
    (folder / "green" / "2.png").unlink()
    index_collection(encoder, open_collection(folder), tmp_path / "photos.index")
    assert "green/2.png" not in ImageIndex.load(tmp_path / "photos.index").names


def test_an_interrupted_work_goes_on_from_the_last_block(encoder, folder, tmp_path, monkeypatch, embedded):
    monkeypatch.setattr(build, "BLOCK", 4)
    cache, noted = tmp_path / "photos.index", build.embed

    def interrupted(*arguments, **how):
        if len(embedded) == 2:
            raise KeyboardInterrupt
        return noted(*arguments, **how)

    monkeypatch.setattr(build, "embed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        index_collection(encoder, open_collection(folder), cache)
    assert len(ImageIndex.load(cache)) == 8
    monkeypatch.setattr(build, "embed", noted)
    assert len(index_collection(encoder, open_collection(folder), cache)) == 15
    assert [len(block) for block in embedded] == [4, 4, 4, 3]


def test_all_blocks_are_one_progress(encoder, folder, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(build, "BLOCK", 4)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    (folder / "red" / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    index_collection(encoder, open_collection(folder))
    lines = [line for line in capfd.readouterr().err.splitlines() if " left" in line]
    counts = [int(re.fullmatch(rf"Embedding {folder}: (\d+) of 16, about .* left", line)[1]) for line in lines]
    assert counts == sorted(counts)
    # Both of what is done with a block moves it.
    assert set(counts) >= {2, 4, 6, 8, 10, 12, 14, 16}
    np.savez(tmp_path / "a.npz", images=np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8))
    index_collection(encoder, open_collection(tmp_path / "a.npz"))
    said = [line for line in capfd.readouterr().err.splitlines() if " of 6, about " in line]
    assert said[0].startswith(f"Embedding {tmp_path / 'a.npz'}: 4 of 6")
    assert said[-1].startswith(f"Embedding {tmp_path / 'a.npz'}: 6 of 6")


def test_arrays_are_followed_by_their_pixels(encoder, tmp_path, embedded):
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    for _ in range(2):
        np.savez(tmp_path / "a.npz", images=images)
        index_collection(encoder, open_collection(tmp_path / "a.npz"), tmp_path / "a.index")
        images[4] = 255 - images[4]
    assert embedded == [[str(i) for i in range(6)], ["4"]]


def test_an_index_of_another_encoder(encoder, make_encoder, folder, tmp_path):
    cache = tmp_path / "photos.index"
    index_collection(encoder, open_collection(folder), cache)
    before = cache.read_bytes()
    with pytest.raises(InputError, match=r"made with another encoder \([0-9a-f]{12}, this is [0-9a-f]{12}\).*all 15"):
        index_collection(make_encoder(1), open_collection(folder), cache)
    assert cache.read_bytes() == before


def test_an_index_of_another_folder(encoder, folder, save, tmp_path):
    cache = tmp_path / "photos.index"
    index_collection(encoder, open_collection(folder), cache)
    save(tmp_path / "other" / "a.png", "red", 0)
    with pytest.raises(InputError, match=r"index of other images: of its 15, not one is in .*other"):
        index_collection(encoder, open_collection(tmp_path / "other"), cache)
    assert len(ImageIndex.load(cache)) == 15


def test_broken_images_are_named_and_excluded(encoder, folder, capfd):
    (folder / "red" / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    os.symlink(folder / "nowhere.png", folder / "red" / "link.png")
    index = index_collection(encoder, open_collection(folder))
    assert len(index) == 15
    said = capfd.readouterr().err
    assert "2 of 17 images cannot be decoded" in said
    assert "red/cut.jpg" in said
    assert "red/link.png (No such file" in said


def test_no_image_can_be_decoded(encoder, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(InputError, match=r"No image of .*photos can be decoded: cut\.jpg"):
        index_collection(encoder, open_collection(tmp_path / "photos"), tmp_path / "photos.index")
    assert not (tmp_path / "photos.index").exists()


def test_an_empty_folder(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match="No images in"):
        open_collection(tmp_path / "photos")


def test_a_saved_index_may_be_carried_to_another_place(encoder, folder, tmp_path, embedded):
    index = index_collection(encoder, open_collection(folder))
    index.save(tmp_path / "photos.index")
    folder.rename(tmp_path / "moved")
    index_collection(encoder, open_collection(tmp_path / "moved"), tmp_path / "photos.index")
    assert len(embedded) == 1


@pytest.mark.parametrize("what", ["damaged", "of another encoder", "of other images"])
def test_a_cache_that_cannot_be_used_is_said_and_rebuilt(what, encoder, make_encoder, folder, save, tmp_path, capfd):
    cache, made_by, photos = tmp_path / "photos.index", encoder, folder
    if what == "of another encoder":
        made_by = make_encoder(1)
    if what == "of other images":
        photos = save(tmp_path / "other" / "a.png", "red", 0).parent
    index_collection(made_by, open_collection(photos), cache)
    if what == "damaged":
        cache.write_bytes(cache.read_bytes()[:100])
    index = index_collection(encoder, open_collection(folder), cache, rebuild=True)
    said = {"damaged": "cannot be read (it is cut off", "of other images": "is an index of other images"}
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert said.get(what, "was made with another encoder") in line
    assert line.endswith("embedding all images again.")
    np.testing.assert_allclose(index.embeddings, embed(encoder, open_source(folder)), rtol=1e-5)
    np.testing.assert_array_equal(ImageIndex.load(cache).embeddings, index.embeddings)


def test_a_folder_of_tars_is_embedded_as_its_images_are(encoder, folder, tmp_path):
    (tmp_path / "tars").mkdir()
    for color in ("blue", "green", "red"):
        with tarfile.open(tmp_path / f"tars/{color}.tar", "w") as archive:
            for path in sorted((folder / color).iterdir()):
                archive.add(path, path.name)
    index, expected = (index_collection(encoder, open_collection(path)) for path in (tmp_path / "tars", folder))
    assert index.names == [name.replace("/", ".tar/") for name in expected.names]
    np.testing.assert_array_equal(index.embeddings, expected.embeddings)

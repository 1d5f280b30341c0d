"""search and duplicates from the command line, on real files, and their pages."""

import csv
import re

import numpy as np
import pytest
from PIL import Image

from byol_keras.cli.main import main


def run(*arguments):
    return main([str(a) for a in arguments])


def failure(capfd, *arguments):
    """Runs a command that must fail on bad input; gives its one line of explanation."""
    capfd.readouterr()
    assert run(*arguments) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def tiles(page):
    """(figure, name) of each image found, in order."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r'<div class="tile">.*?<b>(.*?)</b><span class="name">(.*?)</span>', text)


@pytest.fixture
def query(tmp_path, save):
    return save(tmp_path / "query.png", "red", 77)


def test_search_finds_the_images_of_the_same_color(encoder_file, folder, query, tmp_path, capfd):
    page = tmp_path / "new" / "found.html"
    assert run("search", encoder_file, "--index", folder, "--query", query, "--out", page, "--neighbors", 5) == 0
    assert "1 query, 5 of 15 images" in capfd.readouterr().out
    found = tiles(page)
    assert sorted(name for _, name in found) == [f"red/{i}.png" for i in range(5)]
    distances = [float(figure) for figure, _ in found]
    assert distances == sorted(distances)
    assert [p.name for p in page.parent.iterdir()] == ["found.html"]


def test_the_page_needs_no_other_file_and_escapes_names(encoder_file, folder, save, tmp_path):
    query = save(tmp_path / "a&b <i>.png", "green", 5)
    assert run("search", encoder_file, "--index", folder, "--query", query, "--out", tmp_path / "found.html") == 0
    text = (tmp_path / "found.html").read_text(encoding="utf-8")
    assert "a&amp;b &lt;i&gt;.png" in text
    assert "<i>" not in text
    assert all(address.startswith("data:image/jpeg;base64,") for address in re.findall(r'src="(.*?)"', text))
    assert text.count("<img") == 1 + 12
    assert 'name="viewport"' in text


def test_search_with_a_folder_and_a_query_that_is_no_image(encoder_file, folder, query, tmp_path, capfd):
    (tmp_path / "notes.txt").write_text("notes")
    page, asked = tmp_path / "found.html", [folder / "blue", query, tmp_path / "notes.txt"]
    arguments = ["--index", folder, "--out", page, "--neighbors", 1]
    assert run("search", encoder_file, "--query", *asked, *arguments) == 0
    assert "notes.txt (not a readable JPEG" in capfd.readouterr().err
    # Each image of the folder finds itself.
    assert tiles(page)[:5] == [("0.000", f"blue/{i}.png") for i in range(5)]
    assert len(tiles(page)) == 6


def test_queries_of_the_same_name_are_told_apart_by_their_paths(encoder_file, folder, tmp_path):
    asked = [folder / "blue" / "0.png", folder / "red" / "0.png"]
    page = tmp_path / "found.html"
    assert run("search", encoder_file, "--index", folder, "--query", *asked, "--out", page, "--neighbors", 1) == 0
    assert [name for _, name in tiles(page)] == ["blue/0.png", "red/0.png"]


def test_search_keeps_and_extends_its_index(encoder_file, folder, query, save, tmp_path, capfd):
    page, keep = tmp_path / "found.html", tmp_path / "photos.index"
    arguments = ["search", encoder_file, "--index", folder, "--query", query, "--out", page, "--keep", keep]
    assert run(*arguments) == 0
    save(folder / "red" / "same.png", "red", 77)
    (folder / "red" / "4.png").unlink()
    capfd.readouterr()
    assert run(*arguments) == 0
    assert "14 images as before, 1 new, 0 changed, 1 gone" in capfd.readouterr().err
    assert tiles(page)[0] == ("0.000", "red/same.png")
    assert "red/4.png" not in page.read_text()


def test_search_says_what_is_wrong(encoder_file, make_encoder, folder, query, tmp_path, capfd):
    page = tmp_path / "found.html"
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("notes")
    make_encoder(1).save(tmp_path / "other.keras")
    keep = ["--keep", tmp_path / "photos.index"]

    def said(*flags, encoder=encoder_file, index=folder, asked=query, out=page):
        line = failure(capfd, "search", encoder, "--index", index, "--query", asked, "--out", out, *flags)
        assert not page.exists()
        return line

    assert "No such image" in said(asked=tmp_path / "gone.png")
    assert "None of the images can be decoded" in said(asked=tmp_path / "notes.txt")
    assert f"No images in {tmp_path / 'empty'}" in said(asked=tmp_path / "empty")
    assert f"No images in {tmp_path / 'empty'}" in said(index=tmp_path / "empty")
    assert "neighbors must be from 1 to 15" in said("--neighbors", 99)
    assert "Received: --neighbors 0" in said("--neighbors", 0)
    assert "must name an .html file" in said(out=tmp_path / "found.txt")
    (tmp_path / "folder.html").mkdir()
    assert "is a folder" in said(out=tmp_path / "folder.html")
    assert "Cannot write" in said(out=tmp_path / "notes.txt" / "found.html")
    assert "Cannot write" in said("--keep", tmp_path / "notes.txt" / "photos.index")
    assert "cannot be read as an index" in said("--keep", tmp_path / "notes.txt")
    assert "No run and no .keras file" in said(encoder=tmp_path / "none.keras")
    assert run("search", encoder_file, "--index", folder, "--query", query, "--out", page, *keep) == 0
    page.unlink()
    assert "made with another encoder" in said(*keep, encoder=tmp_path / "other.keras")
    (tmp_path / "photos.index").write_bytes((tmp_path / "photos.index").read_bytes()[:-9])
    assert "cannot be read as an index" in said(*keep)


def test_an_image_that_goes_while_it_is_searched(encoder_file, folder, query, tmp_path, monkeypatch):
    from byol_keras.tasks import ImageIndex

    nearest = ImageIndex.nearest

    def slow(*arguments):
        (folder / "red" / "3.png").unlink()
        return nearest(*arguments)

    monkeypatch.setattr(ImageIndex, "nearest", slow)
    assert run("search", encoder_file, "--index", folder, "--query", query, "--out", tmp_path / "found.html") == 0
    (figure,) = [figure for figure, name in tiles(tmp_path / "found.html") if name == "red/3.png"]
    assert "cannot be read any more" in figure


def test_a_small_index_gives_all_it_has(encoder_file, save, query, tmp_path):
    for i in range(3):
        save(tmp_path / "few" / f"{i}.png", "red", i)
    assert run("search", encoder_file, "--index", tmp_path / "few", "--query", query, "--out", tmp_path / "f.html") == 0
    assert len(tiles(tmp_path / "f.html")) == 3


def test_a_broken_image_is_nobodys_neighbor(encoder_file, save, query, tmp_path):
    for i in range(11):
        save(tmp_path / "photos" / f"{i}.png", "red", i)
    (tmp_path / "photos" / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    arguments = ["--index", tmp_path / "photos", "--query", query, "--out", tmp_path / "found.html"]
    assert run("search", encoder_file, *arguments, "--neighbors", 12) == 0
    assert len(tiles(tmp_path / "found.html")) == 11


def test_duplicates_lists_copies_with_the_largest_first(encoder_file, folder, tmp_path, capsys):
    with Image.open(folder / "red" / "2.png") as image:
        image.resize((24, 20), Image.Resampling.NEAREST).save(folder / "copy.png")
        image.save(folder / "blue" / "again.png")
    page = tmp_path / "duplicates.html"
    arguments = ["duplicates", encoder_file, "--data", folder, "--out", page, "--threshold", "1e-5"]
    assert run(*arguments, "--keep", tmp_path / "photos.index") == 0
    assert "Nearer than 1e-05: 3 images in 1 group" in capsys.readouterr().out
    with (tmp_path / "duplicates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["copy.png", "blue/again.png", "red/2.png"]
    assert [(row["group"], row["width"], row["height"]) for row in rows] == [("1", "24", "20")] + 2 * [
        ("1", "12", "10")
    ]
    assert float(rows[0]["distance"]) == 0
    assert rows[1]["distance"] == rows[2]["distance"]
    assert [name for _, name in tiles(page)] == ["copy.png", "blue/again.png", "red/2.png"]
    # What search keeps serves here, and the other way round.
    found = tmp_path / "found.html"
    keep = ["--keep", tmp_path / "photos.index"]
    assert run("search", encoder_file, "--index", folder, "--query", folder / "copy.png", "--out", found, *keep) == 0


def test_duplicates_without_any(encoder_file, folder, tmp_path):
    page = tmp_path / "duplicates.html"
    assert run("duplicates", encoder_file, "--data", folder, "--out", page, "--threshold", "1e-9") == 0
    assert tiles(page) == []
    assert (tmp_path / "duplicates.csv").read_text().split() == ["group,image,width,height,distance"]


def test_a_usual_threshold_that_does_not_fit_is_warned_of(encoder_file, tmp_path, capfd):
    # Two images that have nothing to do with each other make the others look alike.
    shades = np.full((12, 8, 8, 3), 120, np.uint8) + np.arange(12, dtype=np.uint8)[:, None, None, None] // 3
    shades[0], shades[1] = 0, (255, 0, 0)
    np.savez(tmp_path / "shades.npz", images=shades)
    arguments = ["duplicates", encoder_file, "--data", tmp_path / "shades.npz", "--out", tmp_path / "duplicates.html"]
    assert run(*arguments) == 0
    assert "% of the images are in groups. The usual threshold" in capfd.readouterr().err
    assert run(*arguments, "--threshold", "1e-3") == 0
    assert "usual threshold" not in capfd.readouterr().err


def test_duplicates_says_what_is_wrong(encoder_file, folder, tmp_path, capfd):
    page = tmp_path / "duplicates.html"
    arguments = ["duplicates", encoder_file, "--data", folder, "--out"]
    kept = ["--keep", tmp_path / "photos.index"]
    line = failure(capfd, *arguments, page, "--threshold", "5", *kept)
    assert "above 0 and at most 2. Received: --threshold 5" in line
    assert not (tmp_path / "photos.index").exists()  # nothing was embedded
    assert "must name an .html file" in failure(capfd, *arguments, tmp_path / "duplicates.csv")
    assert not page.exists()
    (tmp_path / "duplicates.csv").mkdir()
    assert "duplicates.csv is a folder" in failure(capfd, *arguments, page)
    np.savez(tmp_path / "bands.npz", images=np.zeros((9, 8, 8, 4), np.uint8))
    wrong = ["duplicates", encoder_file, "--data", tmp_path / "bands.npz", "--out", tmp_path / "b.html"]
    assert "3 channels are needed" in failure(capfd, *wrong)


@pytest.mark.parametrize("command", ["search", "duplicates", "retrieval"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: byol-keras {command}" in capsys.readouterr().out

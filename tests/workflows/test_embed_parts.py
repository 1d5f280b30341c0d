"""Embedding to a folder of parts: what is in them, interruptions, images that come and go."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from byol_keras.cli.main import main
from byol_keras.errors import InputError
from byol_keras.tasks import open_collection
from byol_keras.utils.lock import exclusive
from byol_keras.workflows import embed_parts

PER_PART = 4

# The command line with small parts; the third part is cut short by what stands at the end.
CHILD = f"""
import os, sys
from byol_keras.utils.lock import exclusive
from byol_keras.workflows import embed_parts
from byol_keras.utils import embeddings_folder
from byol_keras.cli.main import program
embed_parts.PART_IMAGES = {PER_PART}
write, written = embeddings_folder.write_table, []
def write_table(table, path):
    write(table, path)
    if "part-" in path.name and len(table):
        written.append(path)
        if len(written) == 3:
            os.truncate(path, 100)
            os.kill(os.getpid(), SIGNAL)
embeddings_folder.write_table = write_table
sys.exit(program())
"""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(embed_parts, "PART_IMAGES", PER_PART)


@pytest.fixture
def run(encoder_file, folder, tmp_path):
    """Embeds the 15 images of `folder` to out.parquet; gives that, and the exit code."""

    def command(*more, data=folder, encoder=encoder_file):
        out = tmp_path / "out.parquet"
        return out, main(["embed", str(encoder), "--data", str(data), "--out", str(out), *more])

    return command


def files(out):
    return sorted(path.name for path in out.iterdir() if path.name != ".lock")


def line_of(capfd, code):
    assert code == 2
    (line,) = capfd.readouterr().err.splitlines()
    return line


def test_parts_hold_what_an_npz_does(run, encoder_file, folder, tmp_path, capfd):
    out, code = run()
    assert code == 0
    assert f"Written to {out}: 15 of 15 images" in capfd.readouterr().out
    assert files(out) == ["_embeddings.json", "_names.parquet", *(f"part-0000{i}.parquet" for i in range(4))]
    assert [pq.read_metadata(path).num_rows for path in sorted(out.glob("part*"))] == [4, 4, 4, 3]
    assert main(["embed", str(encoder_file), "--data", str(folder), "--out", str(tmp_path / "out.npz")]) == 0
    table = pq.read_table(out)
    with np.load(tmp_path / "out.npz") as arrays:
        assert table["name"].to_pylist() == arrays["names"].tolist()
        assert table["label"].to_pylist() == arrays["labels"].tolist() == [0] * 5 + [1] * 5 + [2] * 5
        vectors = np.array(table["embedding"].to_pylist(), np.float32)
        np.testing.assert_allclose(vectors, arrays["embeddings"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, *(pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGTERM, signal.SIGINT))],
    ids=lambda number: number.name,
)
def test_an_interruption_leaves_the_finished_parts_and_is_gone_on_with(number, run, encoder_file, folder, tmp_path):
    out = tmp_path / "out.parquet"
    words = ["embed", str(encoder_file), "--data", str(folder), "--out", str(out)]
    child = [sys.executable, "-c", CHILD.replace("SIGNAL", str(int(number))), *words]
    done = subprocess.run(child, capture_output=True, text=True)
    assert done.returncode == (-number if number == signal.SIGKILL else 128 + number), done.stderr
    if number != signal.SIGKILL:
        assert done.stderr.splitlines()[-1].endswith(f"Go on with: byol-keras {' '.join(words)}")
        assert not list(out.glob(".*.part.*"))
    assert sorted(path.name for path in out.glob("part-*")) == ["part-00000.parquet", "part-00001.parquet"]
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    # Finished parts are not made again, whatever has become of their images.
    (folder / "blue" / "0.png").write_bytes((folder / "red" / "0.png").read_bytes())
    assert run()[1] == 0
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before
    assert not list(out.glob(".*.part.*"))
    names = pq.read_table(out)["name"].to_pylist()
    assert names == sorted(f"{color}/{i}.png" for color in ("blue", "green", "red") for i in range(5))


def test_a_part_cut_short_is_made_anew(run, capfd):
    out, _ = run()
    path = out / "part-00001.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    capfd.readouterr()
    assert run()[1] == 0
    assert f"{out}: 3 of 4 parts are there." in capfd.readouterr().err
    assert path.read_bytes() == whole
    assert pq.read_table(out).num_rows == 15


def test_other_work_is_refused(run, make_encoder, folder, save, tmp_path, capfd):
    out, _ = run()
    capfd.readouterr()
    make_encoder(9).save(tmp_path / "other.keras")
    assert "was begun with another encoder (" in line_of(capfd, run(encoder=tmp_path / "other.keras")[1])
    save(tmp_path / "elsewhere" / "a.png", "red", 0)
    assert f"was begun of another source ({folder}, this is" in line_of(capfd, run(data=tmp_path / "elsewhere")[1])
    assert "was begun in another precision (float32, this is bfloat16)" in line_of(
        capfd, run("--precision", "bfloat16")[1]
    )
    assert len(files(out)) == 6


def test_another_value_range_is_refused(run, make_run, tmp_path, capfd):
    (tmp_path / "bands").mkdir()
    for i in range(3):
        values = np.random.default_rng(i).integers(0, 4096, (16, 16, 3)).astype(np.uint16)
        np.save(tmp_path / "bands" / f"{i}.npy", values)
    trained = dataclasses.replace(make_run(), value_range=[0, 4095])
    trained.write_config()
    out, code = run(data=tmp_path / "bands", encoder=trained.folder)
    assert code == 0
    assert len(open_collection(out, [0, 4095])) == 3
    for other in (None, [0, 65535]):
        with pytest.raises(InputError, match=r"is of the value range \(0, 4095\), this encoder's is"):
            open_collection(out, other)
    # As it was written before manifests had the range.
    written = (out / "_embeddings.json").read_text()
    (out / "_embeddings.json").write_text(json.dumps({**json.loads(written), "value_range": None}))
    with pytest.raises(InputError, match=r"does not say that it was made with a value range, .* is \(0, 4095\)"):
        open_collection(out, [0, 4095])
    (out / "_embeddings.json").write_text(written)
    dataclasses.replace(trained, value_range=[0, 65535]).write_config()
    capfd.readouterr()
    line = line_of(capfd, run(data=tmp_path / "bands", encoder=trained.folder)[1])
    assert "was begun with another value range ((0, 4095), this is (0, 65535))" in line


@pytest.mark.slow
def test_an_npz_that_was_changed_is_refused(run, tmp_path, capfd):
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    out, code = run(data=tmp_path / "images.npz")
    assert code == 0
    assert pq.read_table(out)["label"].to_pylist() == [None] * 9
    np.savez(tmp_path / "images.npz", images=255 - images)
    capfd.readouterr()
    assert "was changed" in line_of(capfd, run(data=tmp_path / "images.npz")[1])


def test_an_image_deleted_meanwhile_is_named_and_left_out(run, folder, monkeypatch, capfd):
    begin = embed_parts.begin_embeddings

    def delete_then_begin(*arguments):
        (folder / "blue" / "4.png").unlink()  # after the source was opened; the others of its part are green
        return begin(*arguments)

    monkeypatch.setattr(embed_parts, "begin_embeddings", delete_then_begin)
    out, code = run()
    assert code == 0
    said = capfd.readouterr()
    assert "blue/4.png" in said.err
    assert "14 of 15 images" in said.out
    table = pq.read_table(out)
    assert "blue/4.png" not in table["name"].to_pylist()
    assert table.num_rows == 14
    assert table["label"].to_pylist() == [0] * 4 + [1] * 5 + [2] * 5
    assert pq.read_table(out / "_excluded")["name"].to_pylist() == ["blue/4.png"]


@pytest.mark.slow
def test_a_whole_part_may_be_lost(run, folder, monkeypatch):
    begin = embed_parts.begin_embeddings

    def delete_then_begin(*arguments):
        for i in range(4):
            (folder / "blue" / f"{i}.png").unlink()
        return begin(*arguments)

    monkeypatch.setattr(embed_parts, "begin_embeddings", delete_then_begin)
    out, code = run()
    assert code == 0
    assert [pq.read_metadata(path).num_rows for path in sorted(out.glob("part*"))] == [0, 4, 4, 3]


def test_images_that_come_and_go_between_two_starts(run, folder, save, capfd):
    (folder / "broken.jpg").write_bytes(b"no image")
    out, code = run()
    assert code == 0
    (out / "part-00002.parquet").unlink()
    (folder / "green" / "4.png").unlink()
    save(folder / "blue" / "00.png", "blue", 9)  # would move all others by one
    capfd.readouterr()
    assert run()[1] == 0
    said = capfd.readouterr()
    assert "1 images are new since" in said.err
    assert "14 of 16 images" in said.out
    names = pq.read_table(out)["name"].to_pylist()
    assert names == sorted({*names})
    assert len(names) == 14
    excluded = pq.read_table(out / "_excluded").to_pylist()
    assert {row["name"] for row in excluded} == {"broken.jpg", "green/4.png"}
    assert {row["name"]: row["reason"] for row in excluded}["green/4.png"] == "no longer there"


@pytest.mark.parametrize("change", ["a class more", "a class less", "an image beside"])
def test_labels_stay_those_of_the_beginning(change, run, folder, save):
    def labels(out):
        return {row["name"]: row["label"] for row in pq.read_table(out).to_pylist()}

    out, code = run()
    assert code == 0
    before = labels(out)
    (out / "part-00002.parquet").unlink()  # of two classes, which have other numbers now
    if change == "a class more":
        save(folder / "a new class" / "0.png", "blue", 9)
    elif change == "an image beside":  # so that the folders are no classes any more
        save(folder / "new.png", "blue", 9)
    else:
        (folder / "blue").rename(folder.parent / "blue")
    assert run()[1] == 0
    after = labels(out)
    assert len(after) == len(before)
    assert after == before


def test_two_at_once_are_refused(run, tmp_path, capfd):
    (tmp_path / "out.parquet").mkdir()
    with exclusive(tmp_path / "out.parquet"):
        assert f"is in use by another process ({os.getpid()}" in line_of(capfd, run()[1])


def test_an_encoder_that_does_not_fit_leaves_nothing(run, tmp_path, capfd):
    np.savez(tmp_path / "bands.npz", images=np.zeros((3, 8, 8, 4), np.uint8))
    out, code = run(data=tmp_path / "bands.npz")
    assert "3 channels are needed (1 gray, 3 color), these have 4" in line_of(capfd, code)
    assert not out.exists()


@pytest.mark.slow
def test_a_collapsed_encoder_is_said_once(run, folder, tmp_path, capfd, make_encoder):
    encoder = make_encoder(0)
    encoder.set_weights([np.zeros_like(weight) for weight in encoder.get_weights()])
    encoder.save(tmp_path / "flat.keras")
    capfd.readouterr()
    assert run(encoder=tmp_path / "flat.keras")[1] == 0
    assert capfd.readouterr().err.count("has probably collapsed") == 1

"""`byol-keras shard`: interruptions, what it prints and refuses, and shards wherever DATA is taken."""

import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from byol_keras.cli.main import main
from byol_keras.data import open_source
from byol_keras.utils.lock import exclusive

SMALL = 500  # bytes of a shard: several of the 15 images

# The command line; the process gets a signal when a step of the writer begins for the AT-th time.
CHILD = """
import os, sys
from byol_keras.data.containers import shard_writer
from byol_keras.cli.main import program
step, begun = shard_writer.STEP, []
def interrupted(*arguments):
    begun.append(arguments)
    if len(begun) == AT:
        os.kill(os.getpid(), SIGNAL)
    return step(*arguments)
shard_writer.STEP = interrupted
sys.exit(program())
"""


@pytest.fixture
def run(folder, tmp_path):
    """Writes the 15 images of `folder`; gives the folder of shards and the exit code."""

    def command(*more, data=folder, out="shards", shard_bytes=SMALL):
        out = tmp_path / out
        words = ["shard", "--data", data, "--out", out, "--shard-bytes", shard_bytes, *more]
        return out, main([*map(str, words)])

    return command


def line_of(capfd, code):
    assert code == 2
    (line,) = capfd.readouterr().err.splitlines()
    return line


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.mark.parametrize(
    ("step", "at", "number", "finished"),
    [
        # In the third shard, whose part is left; between the second and its index; and before the manifest is written.
        ("sha256_of", 5, signal.SIGKILL, 2),
        pytest.param("write_shard_index", 2, signal.SIGKILL, 1, marks=pytest.mark.slow),
        pytest.param("write_shards_manifest", 2, signal.SIGKILL, None, marks=pytest.mark.slow),
        pytest.param("sha256_of", 5, signal.SIGTERM, 2, marks=pytest.mark.slow),
        pytest.param("sha256_of", 5, signal.SIGINT, 2, marks=pytest.mark.slow),
    ],
)
def test_after_an_interruption_the_files_are_those_of_a_straight_run(step, at, number, finished, run, folder, tmp_path):
    straight, code = run(out="straight")
    assert code == 0
    count = len(list(straight.glob("*.array_record")))
    assert count > 3
    out = tmp_path / "shards"
    words = ["shard", "--data", str(folder), "--out", str(out), "--shard-bytes", str(SMALL)]
    code = CHILD.replace("STEP", step).replace("AT", str(at)).replace("SIGNAL", str(int(number)))
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == (-number if number == signal.SIGKILL else 128 + number), done.stderr
    if number != signal.SIGKILL:
        assert done.stderr.splitlines()[-1].endswith(f"Go on with: byol-keras {' '.join(words)}")
    assert bool(list(out.glob(".*.part.*"))) == (number == signal.SIGKILL and step == "sha256_of")
    whole = [path for path in sorted(out.glob("images-*")) if path.with_suffix(".npz").exists()]
    assert len(whole) == 2 * (count if finished is None else finished)
    with pytest.raises(ValueError, match=f"The shards in {out} are not finished"):
        open_source(out)
    before = {path.name: path.stat().st_mtime_ns for path in whole}
    assert run()[1] == 0
    assert contents(out) == contents(straight)
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before
    names = list(open_source(out).names)
    assert names == sorted(f"{color}/{i}.png" for color in ("blue", "green", "red") for i in range(5))


def test_what_is_printed(run, folder, capfd):
    (folder / "broken.jpg").write_bytes(b"no image")
    out, code = run(shard_bytes=10**9)
    assert code == 0
    said = capfd.readouterr()
    assert said.out == f"Written to {out}: 15 of 16 images in 1 shard\n"
    assert "broken.jpg (not a readable JPEG, PNG, WebP, BMP or GIF file)" in said.err
    assert main(["shard", "--verify", "--out", str(out)]) == 0
    assert capfd.readouterr().out == f"{out}: all 15 images are as they were written\n"
    path = out / "images-00000.array_record"
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    assert line_of(capfd, main(["shard", "--verify", "--out", str(out)])) == (
        f"byol-keras shard: {path} is not as it was written, by its checksum: write the shards again."
    )


def test_other_work_is_refused(run, folder, save, tmp_path, capfd):
    out, _ = run()
    before = contents(out)
    capfd.readouterr()
    save(tmp_path / "elsewhere" / "a.png", "red", 0)
    assert f"was begun of another source ({folder}, this is" in line_of(capfd, run(data=tmp_path / "elsewhere")[1])
    assert f"with another --shard-bytes ({SMALL}, this is 9)" in line_of(capfd, run(shard_bytes=9)[1])
    assert "was begun of another source" in line_of(capfd, run(data=out)[1])
    save(folder / "blue" / "00.png", "blue", 9)
    assert f"was written before {folder} was changed: name another folder" in line_of(capfd, run()[1])
    assert "holds other files (a.png)" in line_of(capfd, run(out="elsewhere")[1])
    assert "--shard-bytes must be at least 1" in line_of(capfd, run(out="new", shard_bytes=0)[1])
    line = line_of(capfd, main(["shard", "--verify", "--shard-bytes", "5", "--out", str(out)]))
    assert "Only a new shard has a size: leave out --shard-bytes. Received: --shard-bytes 5" in line
    with exclusive(out):
        assert f"is in use by another process ({os.getpid()}" in line_of(capfd, run()[1])
    assert contents(out) == before
    assert not (tmp_path / "new").exists()
    with pytest.raises(SystemExit):
        main(["shard", "--out", str(out)])
    assert "one of the arguments --data --verify is required" in capfd.readouterr().err


def test_an_npz_that_was_changed_is_refused(run, tmp_path, capfd):
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    out, code = run(data=tmp_path / "images.npz")
    assert code == 0
    np.testing.assert_array_equal(open_source(out).images, images)
    assert run(data=tmp_path / "images.npz")[1] == 0
    np.savez(tmp_path / "images.npz", images=255 - images)
    capfd.readouterr()
    assert "images.npz was changed" in line_of(capfd, run(data=tmp_path / "images.npz")[1])


@pytest.fixture(params=["many sizes", "one size"])
def photos(request, tmp_path):
    """48 images, every second a JPEG; one is broken."""
    generator = np.random.default_rng(0)
    for i in range(48):
        height = 20 + (i % 3 if request.param == "many sizes" else 0)
        path = tmp_path / "photos" / f"c{i % 2}" / f"{i:02}.{'jpg' if i // 2 % 2 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (height, 24, 3), np.uint8)).save(path)
    path.write_bytes(b"no image")
    return tmp_path / "photos"


@pytest.mark.slow
def test_pretraining_from_a_folder_and_from_its_shards_gives_the_same_weights(photos, tmp_path, run):
    shards, code = run(data=photos, shard_bytes=20_000)
    assert code == 0
    sizes = [
        "--backbone",
        "resnet8",
        "--image-size",
        "16",
        "--batch-size",
        "8",
        "--hidden-width",
        "32",
        "--epochs",
        "1",
    ]
    weights = []
    for data in (photos, shards):
        out = tmp_path / f"run-{data.name}"
        assert main(["pretrain", "--data", str(data), "--out", str(out), "--precision", "float32", *sizes]) == 0
        weights.append(keras.models.load_model(out / "encoder.keras").get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    history = [(tmp_path / f"run-{data.name}" / "history.csv").read_text() for data in (photos, shards)]
    assert history[0] == history[1]


def test_embedding_goes_on_and_search_shows_images_from_shards(run, encoder_file, folder, tmp_path, capfd):
    shards, _ = run()
    found = []
    for data in (folder, shards):
        out = tmp_path / f"{data.name}.npz"
        assert main(["embed", str(encoder_file), "--data", str(data), "--out", str(out)]) == 0
        with np.load(out) as arrays:
            found.append({name: arrays[name] for name in arrays})
    assert found[0].keys() == found[1].keys()
    for name in found[0]:
        np.testing.assert_array_equal(found[0][name], found[1][name])
    words = ["--index", str(shards), "--query", str(folder / "red" / "0.png"), "--out", str(tmp_path / "found.html")]
    for _ in range(2):  # the second time with the index that the first one saved
        capfd.readouterr()
        assert main(["search", str(encoder_file), *words, "--keep", str(tmp_path / "shards.index")]) == 0
        assert "1 query, 12 of 15 images" in capfd.readouterr().out
    assert (tmp_path / "found.html").read_text().count("data:image/") > 5


@pytest.mark.slow
def test_parquet_of_shards_that_were_written_anew_is_refused(run, encoder_file, folder, save, tmp_path, capfd):
    shards, _ = run()
    words = ["embed", str(encoder_file), "--data", str(shards), "--out", str(tmp_path / "out.parquet")]
    assert main(words) == 0
    assert main(words) == 0
    for path in shards.iterdir():
        path.unlink()
    save(folder / "blue" / "00.png", "blue", 9)
    assert run()[1] == 0
    capfd.readouterr()
    assert f"was begun before {shards} was changed" in line_of(capfd, main(words))

"""Every command that takes images, on a folder with a thousand hostile files in it, each in a process of its own."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.request

import pytest

from byol_keras.errors import InputError
from byol_keras.tasks import open_segmentation, read_coco
from byol_keras.utils.printable import printable

from ..data.hostile import write_good, write_hostile

pytestmark = pytest.mark.slow

CLASSES = ("blue", "green", "red")
PER_CLASS = 3200  # so that the broken files are fewer than a tenth
SECONDS = 900  # for one command: none may hang
TINY = ["--backbone", "resnet8", "--hidden-width", "64", "--projection-width", "16", "--image-size", "16"]
TINY += ["--epochs", "1", "--batch-size", "256", "--precision", "float32"]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "images").mkdir()
    good = write_good(folder / "images", CLASSES, PER_CLASS)
    valid, broken = write_hostile(folder / "images", "hostile")
    return folder, good, valid, broken


@pytest.fixture(scope="module")
def run(mixed):
    """A run that was trained on them."""
    folder, good, valid, broken = mixed
    done = finished(folder, "pretrain", "--data", "images", "--out", "run", "--probe", "images", *TINY)
    assert done.returncode == 0, done.stderr
    assert f"{len(broken)} of {len(good + valid + broken):,} images cannot be decoded and are excluded" in done.stderr
    assert json.loads((folder / "run/config.json").read_text())["image_count"] == len(good) + len(valid)
    return folder / "run"


def command(*arguments):
    return [sys.executable, "-m", "byol_keras", *map(str, arguments)]


def finished(folder, *arguments):
    """A command's process, ended: with 0, or 2 and a line. It is given nothing to read, so reading would never end."""
    waiting, never_written = os.pipe()
    try:
        done = subprocess.run(
            command(*arguments), cwd=folder, capture_output=True, text=True, timeout=SECONDS, stdin=waiting
        )
    finally:
        os.close(waiting)
        os.close(never_written)
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith(f"byol-keras {arguments[0]}: ")]
    assert len(said) == (done.returncode == 2), done.stderr
    assert printable(done.stderr) == done.stderr.replace("\n", r"\n")
    return done


@pytest.mark.parametrize(
    "line",
    [
        "views --data images --out views.png",
        "split --data images --out split",
        "evaluate run --train images --test images --label-fraction 0.1 --label-subsets 1",
        "finetune run --train images --test images --label-fraction 0.02 --label-subsets 1 --epochs 1",
        "retrieval run --index images",
        "embed run --data images --out embeddings.npz",
        "embed run --data images --out embeddings.parquet",
        "search run --index images --query images/hostile --out found.html --keep a.index",
        "label run --data images --next 5",
        "export run --out ship --quantize int8 --calibration images --labeled images",
    ],
)
def test_commands_do_their_work(line, run, mixed):
    folder, *_ = mixed
    assert finished(folder, *line.split()).returncode == 0


def test_commands_that_these_images_do_not_suit_say_so(run, mixed):
    folder, good, *_ = mixed
    write_pairs(folder / "pairs.csv", good)
    # Most of the good images are links to a few.
    line = "duplicates run --data images --keep a.index --out duplicates.html"
    assert "nearly everything is alike" in finished(folder, *line.split()).stderr
    assert (
        "was trained on images of"
        in finished(folder, *["verify", "run", "--data", "images", "--pairs", "pairs.csv"]).stderr
    )


@pytest.mark.parametrize(
    "line",
    [
        "search run --index images --query /dev/zero --out none.html",
        "search run --index images --query images/hostile/special/itself.jpg --out none.html",
        "views --data images/hostile/special --out none.png",
        "embed run --data /dev/zero --out none.npz",
        "embed run --data 'images/hostile/special/a fifo.jpg' --out none.npz",
        "embed run --data fifo.npz --out none.npz",
    ],
)
def test_commands_say_that_nothing_can_be_done(line, run, mixed):
    folder, *_ = mixed
    if not (folder / "fifo.npz").exists():
        os.mkfifo(folder / "fifo.npz")
    assert finished(folder, *shlex.split(line)).returncode == 2
    assert not list(folder.glob("none.*"))


def write_pairs(path, good):
    """Pairs of images of one class and of two, in two folds."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["fold", "a", "b", "same"])
        for i in range(60):
            a, b = good[i], good[i + 1]
            writer.writerow([i % 2 + 1, a, b, 1])
            writer.writerow([i % 2 + 1, a, good[-1 - i], 0])


def test_the_labeling_page_starts_and_stops(run, mixed):
    folder, *_ = mixed
    waiting, never_written = os.pipe()
    process = subprocess.Popen(
        command("label", "run", "--data", "images"),
        cwd=folder,
        stdin=waiting,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = process.stdout.readline()
        assert "Label the images at http://" in said
        with urllib.request.urlopen(said.split()[-1]) as page:  # answered only where interrupts are waited for
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
        os.close(waiting)
        os.close(never_written)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_boxes_and_label_maps_name_a_bad_image(mixed):
    folder, good, _, broken = mixed
    names = [good[0], next(name for name in broken if name.endswith("a fifo.jpg"))]
    images = [{"id": i, "file_name": name, "width": 24, "height": 24} for i, name in enumerate(names)]
    boxes = [{"id": i, "image_id": i, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 0} for i in (0, 1)]
    document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "boxes.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"image 1 is missing: no file .*a fifo\.jpg"):
        read_coco(folder / "boxes.json", folder / "images")
    with pytest.raises(InputError, match="label map"):
        open_segmentation(folder)

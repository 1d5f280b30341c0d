"""Boxes around the regions of label maps, by the script in benchmarks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from byol_keras.tasks import read_coco

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def street(tmp_path):
    """One street with a car, two that touch by a corner, and a far one."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    labels = np.zeros((40, 60), np.uint8)
    labels[10:22, 5:25] = 1
    labels[30:36, 40:44] = 1
    labels[36:40, 44:60] = 1
    labels[2:5, 50:54] = 1
    labels[20:30, 30:34] = 2
    Image.fromarray(labels).save(tmp_path / "labels" / "a.png")
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "images" / "a.jpg")
    (tmp_path / "classes.txt").write_text("road\ncar\ntree\n")
    return tmp_path


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks.camvid_boxes", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)


def test_regions_become_boxes_and_small_ones_crowds(street):
    out = street / "boxes" / "cars.json"
    shown = run(street, "--out", out)
    assert shown.returncode == 0, shown.stderr
    coco = json.loads(out.read_text())
    found = {tuple(a["bbox"]): (a["area"], a["iscrowd"]) for a in coco["annotations"]}
    assert found == {(5, 10, 20, 12): (240, 0), (40, 30, 20, 10): (88, 0), (50, 2, 4, 3): (12, 1)}
    boxed = read_coco(out)
    assert boxed.class_names == ("car",)
    assert boxed.objects == 2
    assert boxed.source.names == ("../images/a.jpg",)


def test_an_unknown_class_is_named(street):
    shown = run(street, "--class-name", "bus", "--out", street / "x.json")
    assert shown.returncode == 1
    assert "no class 'bus': road, car, tree" in shown.stderr

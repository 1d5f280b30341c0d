"""docs/device.md, followed from the first command to the last."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("ai_edge_litert")

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "device.md").read_text()
PRETRAIN = "byol-keras pretrain --data photos --out runs/photos --backbone resnet8 --image-size 16 --epochs 1 "
PRETRAIN += "--batch-size 16 --precision float32"


def commands():
    """The lines that are indented by four blanks, outside the blocks of Python."""
    return re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where photos/, labelled/ and runs/photos are, as the page has them."""
    folder = tmp_path_factory.mktemp("reader")
    generator = np.random.default_rng(0)
    for place in ("photos", "labelled"):
        for name, ground in (("cup", (200, 60, 60)), ("leaf", (60, 200, 60))):
            (folder / place / name).mkdir(parents=True)
            for i in range(16):
                image = generator.normal(ground, 40, (20, 24, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(image).save(folder / place / name / f"{i}.png")
    shell(PRETRAIN, folder)
    return folder


def shell(command, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=folder, env={**os.environ, "PATH": path}
    )
    assert process.returncode == 0, f"{command}\n{process.stderr[-2000:]}"
    return process.stdout


@pytest.mark.slow
def test_every_command_of_the_page(folder):
    said = {command: shell(command, folder) for command in commands()}
    assert len(said) >= 12
    assert {path.name for path in (folder / "device").iterdir()} == {
        "encoder-int8.tflite",
        "encoder-int8.tflite.json",
        "byol_device.py",
    }
    assert len(json.loads((folder / "choice/parity.json").read_text())) == 4
    assert "which file to ship" in (folder / "choice/report.html").read_text()
    described = json.loads((folder / "board/encoder-int8-uint8.tflite.json").read_text())
    assert described["input"]["quantization"] == {"scale": pytest.approx(1 / 255), "zero_point": 0}
    assert json.loads((folder / "many/encoder.tflite.json").read_text())["input"]["shape"][0] is None
    assert np.load(folder / "two.npy").shape == (2, 128)
    (last,) = [printed for command, printed in said.items() if " classify " in command]
    assert [line.split()[0] for line in last.splitlines()] == ["photos/cup/2.png:", "photos/leaf/2.png:"]
    assert [line.split()[1] for line in last.splitlines()] == ["cup", "leaf"]
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    shell(f"cp -r photos/cup photos/leaf device/ && cd device && python -c '{block}'", folder)

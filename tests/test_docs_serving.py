"""docs/serving.md, followed from the first command to the last."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorflow_serving")

from .export import stand_in

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "serving.md").read_text()
PRETRAIN = "byol-keras pretrain --data photos --out runs/photos --backbone resnet8 --image-size 16 --epochs 1 "
PRETRAIN += "--batch-size 16 --precision float32"


def commands(section):
    """The lines of a section that are indented by four blanks."""
    text = re.sub(r"```.*?```", "", PAGE.split(f"\n## {section}")[1].split("\n## ")[0], flags=re.DOTALL)
    return re.findall(r"^    (\S.*)$", text, re.MULTILINE)


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
    install, *exporting = commands("1. Export")
    assert install == 'pip install "byol_keras[serving]"    # needs a package index'
    for command in exporting:
        shell(command, folder)
    assert (folder / "serving/encoder/1/saved_model.pb").is_file()
    (python,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "page.py").write_text(python)
    shell("python page.py", folder)
    assert {path.name for path in (folder / "serving").iterdir()} >= {"models.config", "compose.yaml", "client"}

    asking = commands("3. Ask")
    assert len(asking) == 5
    with stand_in.serving("encoder", folder / "serving/encoder/2") as (grpc, rest):
        replies = [
            shell(command.replace("http://localhost:8501", rest).replace("localhost:8500", grpc), folder)
            for command in asking
        ]
    state, _, classes, near, embeddings = replies
    assert "AVAILABLE" in state
    (prediction,) = json.loads(classes)["predictions"]
    assert prediction["labels"][0] == "cup"
    assert [json.loads(line)["picture"] for line in near.splitlines()] == ["photos/cup/0.png", "photos/leaf/1.png"]
    assert len(json.loads(embeddings)["embedding"]) == 128

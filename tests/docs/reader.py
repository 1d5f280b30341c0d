"""A reader of docs/ who types every command: what the tests of the pages share."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

DOCS = Path(__file__).resolve().parents[2] / "docs"
PRETRAIN = "byol-keras pretrain --data photos --out runs/photos --backbone resnet8 --image-size 16 --epochs 1 "
PRETRAIN += "--batch-size 16 --precision float32 --hidden-width 32"


def commands(text):
    """The lines that are indented by four blanks, outside the blocks of code."""
    return re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)


def reader_folder(folder):
    """Makes photos/, labeled/ and runs/photos in `folder`, as the pages have them."""
    generator = np.random.default_rng(0)
    for place in ("photos", "labeled"):
        for name, ground in (("cup", (200, 60, 60)), ("leaf", (60, 200, 60))):
            (folder / place / name).mkdir(parents=True)
            for i in range(16):
                image = generator.normal(ground, 40, (20, 24, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(image).save(folder / place / name / f"{i}.png")
    shell(PRETRAIN, folder)
    return folder


def shell(command, folder):
    """Runs a command in `folder` with this environment's programs first; returns what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=folder, env={**os.environ, "PATH": path}
    )
    assert process.returncode == 0, f"{command}\n{process.stderr[-2000:]}"
    return process.stdout

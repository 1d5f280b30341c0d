"""docs/objectives.md: its Python, and its commands."""

import re
import shlex

import keras
import numpy as np
import pytest
from PIL import Image

import byol_keras as bk
from byol_keras.cli.main import main

from .reader import DOCS, commands

PAGE = (DOCS / "objectives.md").read_text()
SMALL = " --backbone resnet8 --image-size 16 --epochs 1 --batch-size 16 --precision float32"


def test_every_block_of_the_page(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), np.uint8)
    names = {"bk": bk, "keras": keras, "encoder": tiny_encoder(), "images": images}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 8
    for block in blocks:
        exec(block, names)
    assert int(names["model"].steps) == 2
    assert [type(term).__name__ for term in names["model"].extra_losses] == ["CenterTerm", "Length"]


@pytest.mark.slow
def test_every_command_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (32, 20, 24, 3), np.uint8)):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.png")
    # Formulas are indented too.
    typed = [command for command in commands(PAGE) if command.startswith("byol-keras")]
    assert len(typed) == 4
    for command in typed:
        assert main(shlex.split(command + SMALL)[1:]) == 0
    for name, field in (("center", "center_weight"), ("contrastive", "contrastive_temperature")):
        assert getattr(bk.load_run(f"runs/{name}").recipe, field) > 0


def test_every_objective_is_on_the_page():
    assert [name for name in bk.objectives.__all__ if f"bk.objectives.{name}" not in PAGE] == []

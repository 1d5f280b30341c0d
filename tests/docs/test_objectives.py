"""The Python of docs/objectives.md, run from the first block to the last."""

import re

import keras
import numpy as np

import byol_keras as bk

from .reader import DOCS

PAGE = (DOCS / "objectives.md").read_text()


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


def test_every_objective_is_on_the_page():
    assert [name for name in bk.objectives.__all__ if f"bk.objectives.{name}" not in PAGE] == []

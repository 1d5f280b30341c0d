"""docs/other_data.md: its Python."""

import re

import keras
import numpy as np
import pytest

from .reader import DOCS


@pytest.mark.slow
def test_every_block_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("train", "test"):
        (tmp_path / f"{name}.tsv").write_text("so good\tgood\nso very bad\tbad\n" * 4)
    names = {"series": np.random.default_rng(0).normal(0, 30, (8, 40, 3)).astype(np.float32)}
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "other_data.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    exec(blocks[0], names)
    assert names["accuracy"] == 1.0
    exec(blocks[1], names)
    assert names["embeddings"].shape == (8, 64)
    names["model"].save("model.keras")
    loaded = keras.models.load_model("model.keras")
    np.testing.assert_array_equal(loaded.predict(names["series"], verbose=0), names["embeddings"])

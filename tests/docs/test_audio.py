"""docs/audio.md, followed from the first command to the last."""

import re
import shutil

import pytest

from ..sounds import write_tones
from .reader import DOCS, commands, shell

PAGE = (DOCS / "audio.md").read_text()
TINY = " --epochs 1 --batch-size 8 --frames 32 --hidden-width 32 --projection-width 16"


@pytest.mark.slow
def test_every_command_of_the_page(tmp_path):
    write_tones(tmp_path / "spoken", 8)
    write_tones(tmp_path / "labeled/train", 28, seed=1)
    write_tones(tmp_path / "labeled/test", 4, seed=2)
    shutil.copy(tmp_path / "spoken/900Hz/3.wav", tmp_path / "new.wav")
    lines = commands(PAGE)
    assert len(lines) == 8
    lines[0] += TINY
    printed = [shell(line, tmp_path) for line in lines]
    assert "mel statistics" in printed[1]
    assert "2,560 samples, 0.32 s at 8,000 Hz" in printed[6]
    assert {path.name for path in tmp_path.iterdir()} >= {"embeddings.parquet", "found.html", "serving", "views.png"}
    (python,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "page.py").write_text(python)
    assert shell("python page.py", tmp_path).splitlines()[-1] == "(24, 128) 8000"

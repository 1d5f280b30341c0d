"""docs/search.md, followed from the first command to the last."""

import re
import shutil

import pytest

from .reader import DOCS, commands, reader_folder, shell

PAGE = (DOCS / "search.md").read_text()


@pytest.mark.slow
def test_every_command_of_the_page(tmp_path):
    folder = reader_folder(tmp_path)
    shutil.copy(folder / "labeled/cup/3.png", folder / "new.png")
    printed = [shell(command, folder) for command in commands(PAGE)]
    assert len(printed) == 4
    assert {path.name for path in folder.iterdir()} >= {
        *("found.html", "photos.index", "duplicates.html", "duplicates.csv"),
    }
    assert "mean average precision" in printed[3]
    (python,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "page.py").write_text(python)
    near, copies = shell("python page.py", folder).splitlines()
    assert near.count("cup/") == 5
    assert copies.startswith("[")

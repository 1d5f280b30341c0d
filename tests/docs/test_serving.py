"""docs/serving.md, followed from the first command to the last."""

import json
import re

import pytest

pytest.importorskip("tensorflow_serving")

from ..export import stand_in
from .reader import DOCS, commands, reader_folder, shell

PAGE = (DOCS / "serving.md").read_text()


def section(title):
    return PAGE.split(f"\n## {title}")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return reader_folder(tmp_path_factory.mktemp("reader"))


@pytest.mark.slow
def test_every_command_of_the_page(folder):
    install, *exporting = commands(section("1. Export"))
    assert install == 'pip install "byol_keras[serving]"    # needs a package index'
    for command in exporting:
        shell(command, folder)
    assert (folder / "serving/encoder/1/saved_model.pb").is_file()
    assert {path.name for path in (folder / "serving").iterdir()} >= {"models.config", "compose.yaml", "client"}
    (python,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "page.py").write_text(python)
    shell("python page.py", folder)
    assert sorted(path.name for path in (folder / "serving/encoder").iterdir()) == ["1", "2"]

    asking = commands(section("3. Ask"))
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
    assert [json.loads(line)["image"] for line in near.splitlines()] == ["photos/cup/0.png", "photos/leaf/1.png"]
    assert len(json.loads(embeddings)["embedding"]) == 128

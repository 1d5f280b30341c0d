"""docs/scale.md, each section followed from the first command to the last."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from .reader import DOCS, commands, reader_folder, shell

SMALL = " --backbone resnet8 --image-size 16 --batch-size 16 --precision float32"


def section(title):
    """From this title to the next of its rank."""
    return (DOCS / "scale.md").read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.slow
def test_every_command_of_training(tmp_path):
    generator = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(32):
        pixels = generator.integers(0, 256, (20 + i % 3, 24, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.jpg")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    meanwhile = []
    for line in commands(section("Training on several devices")):
        command = line.removesuffix(" &") + (SMALL if "--data photos" in line else "")
        if line.endswith("&"):
            # In the place of its shell, so that the command is what is ended.
            exact = f"exec env {command}"
            meanwhile.append(subprocess.Popen(exact, shell=True, cwd=tmp_path, env={**os.environ, "PATH": path}))
            continue
        shell(command, tmp_path)
        if "--strategy multi-worker" in line:
            assert [process.wait(300) for process in meanwhile] == [0]
            meanwhile = []
    (service,) = meanwhile
    service.terminate()
    service.wait()
    lines = {name: (tmp_path / "runs" / name / "history.csv").read_text().splitlines()
             for name in ("mirrored", "cluster", "served")}  # fmt: skip
    assert {name: len(found) - 1 for name, found in lines.items()} == {"mirrored": 2, "cluster": 3, "served": 2}


def test_the_manifest_names_its_workers():
    text = section("Training on several devices").partition("```yaml\n")[2].partition("```")[0]
    _, job = yaml.safe_load_all(text)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    say = container["args"][0].partition("if [")[0] + 'echo "$TF_CONFIG"'
    config = yaml.safe_load(subprocess.check_output(["sh", "-c", say], text=True, env={"JOB_COMPLETION_INDEX": "2"}))
    workers = [f"byol-{i}.byol:5000" for i in range(job["spec"]["completions"])]
    assert config == {"cluster": {"worker": workers}, "task": {"type": "worker", "index": 2}}
    # A number and a name for each come with these.
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["template"]["spec"]["subdomain"] == job["metadata"]["name"] == "byol"


@pytest.mark.slow
def test_every_command_of_embedding(tmp_path):
    pytest.importorskip("apache_beam", reason='needs pip install "byol_keras[beam]"')
    folder = reader_folder(tmp_path)
    shutil.copy(folder / "photos/cup/3.png", folder / "new.png")
    lines = commands(section("Embedding a large collection"))
    printed = [shell(line, folder) for line in lines]
    assert [line.split()[1] for line in lines] == ["embed", "search", "duplicates", "export", "-m"]
    assert "Written to photos.parquet: 32 of 32 images" in printed[0]
    assert "12 of 32 images" in printed[1]
    assert "lake.parquet: 32 images embedded by this pipeline, 0 excluded" in printed[4]
    names = pq.read_table(folder / "photos.parquet")["name"].to_pylist()
    assert sorted(pq.read_table(folder / "lake.parquet")["name"].to_pylist()) == names
    # The page goes on with both, and searches in either.
    assert "32 of 32" in shell(lines[0], folder)
    assert "0 images embedded" in shell(lines[4], folder)
    assert "12 of 32 images" in shell(lines[1].replace("photos.parquet", "lake.parquet"), folder)


@pytest.mark.slow
def test_the_store(tmp_path):
    pytest.importorskip("lancedb", reason="needs pip install lancedb")
    folder = reader_folder(tmp_path)
    (folder / "queries").mkdir()
    shutil.copy(folder / "photos/cup/3.png", folder / "queries/a.png")
    embed, *_ = commands(section("Embedding a large collection"))
    shell(embed, folder)
    (block,) = re.findall(r"```python\n(.*?)```", section("Embedding a large collection"), flags=re.DOTALL)
    (folder / "store.py").write_text(block)
    name, found = shell("python store.py", folder).split(maxsplit=1)
    assert name == "a.png"
    found = ast.literal_eval(found)
    assert found[0] == ("cup/3.png", 1.0)
    assert len(found) == 12
    assert [cosine for _, cosine in found] == sorted((cosine for _, cosine in found), reverse=True)


@pytest.mark.slow
def test_shards(tmp_path):
    folder = reader_folder(tmp_path)
    printed = [shell(line, folder) for line in commands(section("Shards"))]
    assert printed == [
        "Written to shards: 32 of 32 images in 1 shard\n",
        "Written to embeddings.npz: 32 of 32 images\n",
        "shards: all 32 images are as they were written\n",
    ]
    shell("byol-keras embed runs/photos --data photos --out of-photos.npz", folder)
    with np.load(folder / "embeddings.npz") as arrays, np.load(folder / "of-photos.npz") as others:
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], others[name])

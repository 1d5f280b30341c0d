"""A real pipeline over real files: every good image once, each bad one with its reason."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from byol_keras.data import open_source
from byol_keras.evaluation import embed
from byol_keras.models.fingerprint import fingerprint
from byol_keras.utils.embeddings_folder import read_embeddings, read_excluded

pytest.importorskip("apache_beam", reason='needs pip install "byol_keras[beam]"')

from byol_keras.export.beam.__main__ import beam_program
from byol_keras.export.beam.embedding_pipeline import is_image, part_of

# Beam's own.
pytestmark = pytest.mark.filterwarnings("ignore")
RUNNER = ["--runner", "FnApiRunner"]


def words(model, images, out, *more):
    return ["--model", str(model), "--images", str(images), "--out", str(out), *RUNNER, *more]


def test_every_good_image_once_and_each_bad_one_reported(tiny_export, lake, tmp_path, capfd):
    (encoder, model), (root, good, bad), out = tiny_export, lake, tmp_path / "lake.parquet"
    assert beam_program(words(model, root, out, "--parts", "3")) == 0
    assert f"{out}: 20 images embedded by this pipeline, 6 excluded" in capfd.readouterr().out
    read = read_embeddings(out)
    assert sorted(read.names) == good
    excluded = dict(read_excluded(out))
    assert excluded.keys() == bad.keys()
    assert all(excluded[name].startswith(reason) for name, reason in bad.items())
    assert (read.manifest.encoder, read.manifest.source) == (fingerprint(encoder), str(root))
    source = open_source(root / "cat")
    vectors = embed(encoder, source)
    row = {name: read.vectors[i] for i, name in enumerate(read.names)}
    np.testing.assert_allclose([row[f"cat/{name}"] for name in source.names], vectors, rtol=1e-4, atol=1e-5)

    # Finished parts are left as they are, and only the others are made.
    kept, lost = out / "part-00000.parquet", out / "part-00001.parquet"
    before, content = kept.stat().st_mtime_ns, lost.read_bytes()
    lost.write_bytes(content[: len(content) // 2])
    (out / ".begun-0123-part-00002.parquet").write_bytes(b"of a worker that died")
    assert beam_program(words(model, root, out)) == 0
    count = pq.read_metadata(lost).num_rows
    assert f"{out}: {count} images embedded by this pipeline" in capfd.readouterr().out
    assert kept.stat().st_mtime_ns == before
    assert sorted(read_embeddings(out).names) == good
    assert not list(out.glob(".begun*"))
    assert beam_program(words(model, root, out, "--parts", "4")) == 2
    assert "was begun in 3 parts: go on with these. Received: parts=4" in capfd.readouterr().err


def refusal(capfd, *arguments):
    capfd.readouterr()
    assert beam_program(words(*arguments)) == 2
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("byol_keras.export.beam: ")]
    return line


def test_bad_input_is_one_line(tiny_export, lake, tmp_path, capfd):
    (_, model), (root, *_), out = tiny_export, lake, tmp_path / "out.parquet"
    assert "No such folder: nowhere" in refusal(capfd, model, "nowhere", out)
    assert "does not say which encoder it is" in refusal(capfd, tmp_path, root, out)
    assert "at least one part" in refusal(capfd, model, root, out, "--parts", "0")
    assert not out.exists()
    facts = json.loads((model / "assets.extra" / "provenance.json").read_text())
    facts["training"] = {"value_range": [0, 4095]}
    other = tmp_path / "other" / "assets.extra" / "provenance.json"
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps(facts))
    assert "has no `serve_bytes`" in refusal(capfd, tmp_path / "other", root, out)
    assert not out.exists()
    (tmp_path / "file").write_text("")
    assert "cannot be used for embeddings" in refusal(capfd, model, root, tmp_path / "file" / "out.parquet")


def test_without_beam_it_says_how_to_get_it(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert 'Install it: pip install "byol_keras[beam]"' in refusal(capfd, "a", "b", "c")


def test_the_part_follows_from_the_name_alone():
    parts = [part_of(f"/a/{i}.jpg".encode(), "/a/", 7) for i in range(2_000)]
    assert parts == [part_of(f"/elsewhere/{i}.jpg".encode(), "/elsewhere/", 7) for i in range(2_000)]
    assert 0 <= min(parts) <= max(parts) < 7
    assert np.bincount(parts).min() > 200


def test_which_files_are_taken_for_images():
    taken = [
        name
        for name in ("a.JPG", "b/c.webp", "a.txt", ".a.jpg", ".b/c.jpg", "b/.c/d.png")
        if is_image(f"/x.y/{name}", "/x.y/")
    ]
    assert taken == ["a.JPG", "b/c.webp"]


@pytest.mark.slow
def test_a_killed_pipeline_is_gone_on_with(tiny_export, tmp_path):
    _, model = tiny_export
    generator, root, out = np.random.default_rng(0), tmp_path / "photos", tmp_path / "out.parquet"
    root.mkdir()
    for i in range(4_000):
        Image.fromarray(generator.integers(0, 256, (40, 40, 3), np.uint8)).save(root / f"{i}.png")
    command = [sys.executable, "-m", "byol_keras.export.beam", *words(model, root, out, "--parts", "40")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while len(list(out.glob("part-*"))) < 5:
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert 5 <= len(before) < 40
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = sum(pq.read_metadata(path).num_rows for path in before)
    assert f"{4_000 - rows:,} images embedded by this pipeline" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert sorted(read_embeddings(out).names) == sorted(f"{i}.png" for i in range(4_000))

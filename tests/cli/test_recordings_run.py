"""Runs on recordings: the commands that take images take a folder of .wav files as well."""

import json
import shutil

import numpy as np
import pytest

import byol_keras as bk
from byol_keras.cli.main import main

from ..sounds import tone, write_tones, write_wav

TINY = ["--backbone", "resnet8", "--batch-size", "8", "--precision", "float32", "--epochs", "2", "--frames", "32"]
TINY += ["--hidden-width", "32", "--projection-width", "16"]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Tones of three pitches, 10 a class to train on and 4 to test with."""
    root = tmp_path_factory.mktemp("sounds")
    write_tones(root / "train", 10, seed=0)
    write_tones(root / "test", 8, seed=1)
    return root


@pytest.fixture(scope="module")
def run(sounds, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tones"
    flags = ["--probe", str(sounds / "train"), "--checkpoint-steps", "2"]
    assert main(["pretrain", "--data", str(sounds / "train"), "--out", str(out), *TINY, *flags]) == 0
    return out


def said(capfd, *arguments, code=0):
    assert main([*map(str, arguments)]) == code
    return capfd.readouterr()


def test_the_recipe_is_that_of_recordings(run):
    made = bk.load_run(run)
    assert isinstance(made.recipe, bk.AudioRecipe)
    assert (made.recipe.sample_rate, made.recipe.frames, made.channels) == (8000, 32, 1)
    assert made.encoder.input_shape == (None, 64, 32, 1)
    assert json.loads((run / "config.json").read_text())["recipe"]["mixup"] == 0.4
    assert "knn" in made.history_path.read_text()


def test_its_config_repeats_it(run, tmp_path):
    assert main(["pretrain", "--config", str(run / "config.json"), "--out", str(tmp_path / "again")]) == 0
    pairs = zip(bk.load_run(tmp_path / "again").encoder.weights, bk.load_run(run).encoder.weights, strict=True)
    for weight, expected in pairs:
        np.testing.assert_array_equal(weight, expected)


def test_a_resumed_run_is_as_if_it_had_never_stopped(run, sounds, tmp_path):
    stopped = tmp_path / "stopped"
    shutil.copytree(run, stopped)
    before = bk.load_run(stopped).encoder.get_weights()
    # Back to the first of the checkpoints that are there, in the middle of the views' memory and statistics.
    steps = sorted({path.name.split(".")[0] for path in (stopped / "checkpoints").iterdir()})
    assert len(steps) > 1
    for path in (stopped / "checkpoints").iterdir():
        if not path.name.startswith(steps[0]):
            path.unlink()
    bk.load_run(stopped).encoder_path.unlink()
    assert main(["pretrain", "--out", str(stopped), "--resume"]) == 0
    for weight, expected in zip(bk.load_run(stopped).encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_evaluate_has_mel_statistics_beside_the_encoders(run, sounds, capfd):
    printed = said(capfd, "evaluate", run, "--train", sounds / "train", "--test", sounds / "test")
    assert "mel statistics" in printed.out
    results = json.loads((run / "results" / "evaluation.json").read_text())
    entries = results["results"] if isinstance(results, dict) else results
    for entry in entries:
        assert set(entry["scores"]) == {"pretrained", "untrained", "mel statistics", "majority class"}
    # Pitch is what the bands say.
    linear = next(e for e in entries if "linear" in e["task"] and e["metric"] == "accuracy")
    assert linear["scores"]["mel statistics"][0] > 0.9


def test_embed_and_its_parts_agree(run, sounds, tmp_path, capfd):
    said(capfd, "embed", run, "--data", sounds / "test", "--out", tmp_path / "out.npz")
    said(capfd, "embed", run, "--data", sounds / "test", "--out", tmp_path / "out.parquet")
    import pyarrow.parquet as pq

    arrays = np.load(tmp_path / "out.npz")
    table = pq.read_table(tmp_path / "out.parquet" / "part-00000.parquet")
    assert table["name"].to_pylist() == arrays["names"].tolist()
    np.testing.assert_allclose(np.stack(table["embedding"].to_pylist()), arrays["embeddings"], atol=1e-5)


def test_recordings_of_another_rate_are_read_at_the_runs(run, sounds, tmp_path):
    write_wav(tmp_path / "a.wav", tone(900, 0.5, noise=0))
    write_wav(tmp_path / "other" / "a.wav", tone(900, 0.5, rate=44100, noise=0), rate=44100)
    encoder = bk.load_run(run).encoder
    own, other = (bk.evaluation.embed(encoder, bk.data.open_source(path)) for path in (tmp_path, tmp_path / "other"))
    own = own[:1]
    np.testing.assert_allclose(own, other, atol=0.05 * np.abs(own).max())


def test_search_duplicates_and_views_make_their_pages(run, sounds, tmp_path, capfd):
    query = sounds / "test" / "300Hz" / "0.wav"
    index = tmp_path / "tones.index"
    line = ["search", run, "--index", sounds / "train", "--query", query, "--out", tmp_path / "found.html"]
    said(capfd, *line, "--keep", index)
    write_wav(sounds / "train" / "300Hz" / "0.wav", tone(310, 0.4))
    assert "29 images as before, 0 new, 1 changed, 0 gone" in said(capfd, *line, "--keep", index).err
    said(capfd, "duplicates", run, "--data", sounds / "train", "--out", tmp_path / "copies.html")
    said(capfd, "views", "--data", sounds / "train", "--out", tmp_path / "views.png")
    assert {path.name for path in tmp_path.iterdir()} >= {"found.html", "copies.html", "views.png"}


@pytest.mark.slow
def test_finetune_trains_on_parts_of_recordings(run, sounds, capfd):
    flags = ["--epochs", "20", "--batch-size", "10"]
    printed = said(capfd, "finetune", run, "--train", sounds / "train", "--test", sounds / "test", *flags)
    assert "fine-tuned" in printed.out
    assert "Next:" not in printed.out  # an export of the classifier, which there is none of


@pytest.mark.slow
def test_export_takes_samples_and_agrees_with_embed(run, sounds, tmp_path, capfd):
    from ai_edge_litert.interpreter import Interpreter

    printed = said(capfd, "export", run, "--out", tmp_path / "out", "--license", "mit")
    assert "2,560 samples, 0.32 s at 8,000 Hz" in printed.out
    described = json.loads((tmp_path / "out" / "encoder.tflite.json").read_text())
    assert described["input"]["sample_rate"] == 8000
    assert described["input"]["shape"] == [1, 2560]
    assert "2,560 samples" in (tmp_path / "out" / "README.md").read_text()
    # A recording shorter than what is heard, as the description says.
    samples = tone(900, 0.2)
    write_wav(tmp_path / "one" / "a.wav", samples)
    expected = bk.evaluation.embed(bk.load_run(run).encoder, bk.data.open_source(tmp_path / "one"))
    given = np.pad(np.float32(samples), (2560 - len(samples)) // 2)[None]
    runner = Interpreter(str(tmp_path / "out" / "encoder.tflite")).get_signature_runner("serving_default")
    embedding = runner(samples=given)["embedding"]
    np.testing.assert_allclose(embedding, expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--quantize", "int8"], ["--format", "onnx"], ["--report"], ["--web", "page"]])
def test_what_cannot_be_exported_is_said(run, tmp_path, flags, capfd):
    where = [] if "--web" in flags else ["--out", tmp_path / "out"]
    printed = said(capfd, "export", run, *where, *flags, code=2)
    assert "Traceback" not in printed.err
    assert "recordings" in printed.err or "images" in printed.err
    assert not (tmp_path / "out").exists()


def refused(capfd, *arguments):
    printed = said(capfd, *arguments, code=2)
    assert "Traceback" not in printed.err
    return printed.err


def test_the_wrong_kind_is_refused_in_a_line(run, sounds, tmp_path, write_images, capfd):
    images = write_images(tmp_path / "images.npz", 4, 0)
    new = ["--out", tmp_path / "new"]
    assert "These are recordings, and the recipe is for images" in refused(
        capfd, "pretrain", "--data", sounds / "train", *new, "--recipe", "demo"
    )
    assert "These are images, and the recipe is for recordings" in refused(
        capfd, "pretrain", "--data", images, *new, "--recipe", "audio"
    )
    assert "takes recordings, and these are images" in refused(
        capfd, "embed", run, "--data", images, "--out", tmp_path / "out.npz"
    )
    assert "leave it out. Received: --strategy 'mirrored'" in refused(
        capfd, "pretrain", "--data", sounds / "train", *new, "--strategy", "mirrored"
    )
    assert "doctor knows images only" in refused(capfd, "doctor", run)
    assert "the recipe is for recordings" in refused(capfd, "doctor", "--data", images, "--recipe", "audio")
    assert "label knows images only" in refused(capfd, "label", run, "--data", sounds / "train", "--next", "2")
    pairs = ["--pairs", tmp_path / "absent.csv"]
    assert "verify knows images only" in refused(capfd, "verify", run, "--data", sounds / "train", *pairs)
    drawn = ["--out", tmp_path / "views.png", "--recipe", "short"]
    assert "the recipe is for images" in refused(capfd, "views", "--data", sounds / "train", *drawn)
    assert not (tmp_path / "new").exists()

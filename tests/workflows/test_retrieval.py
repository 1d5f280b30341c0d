"""Retrieval by a run, from the command line."""

import json

import numpy as np
import pytest

from byol_keras.cli.main import main
from byol_keras.data import open_source
from byol_keras.data.synthetic import synthetic_images
from byol_keras.evaluation import embed
from byol_keras.runs.build import build_encoder
from byol_keras.runs.recipe import Recipe
from byol_keras.runs.results import read_results
from byol_keras.runs.run import Run
from byol_keras.tasks.retrieval.metrics import retrieval_leave_one_out, retrieval_scores

RECIPE = Recipe("resnet8", 16, 2, 4, "adamw", 1e-3, 1e-4, 0.5, 0.97)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run whose encoder was not trained but changed, and two labeled sources."""
    folder = tmp_path_factory.mktemp("retrieval")
    for name, count, seed in (("index", 40, 1), ("queries", 20, 2)):
        images, labels, class_names = synthetic_images(count, seed)
        np.savez(folder / f"{name}.npz", images=images, labels=labels, class_names=class_names)
    run = Run(folder / "run", RECIPE, str(folder / "index.npz"), 0, 1, [0.5], [0.2])
    run.write_config()
    encoder = build_encoder(run)
    generator = np.random.default_rng(0)
    encoder.set_weights([w + generator.normal(0, 0.05, w.shape) for w in encoder.get_weights()])
    encoder.save(run.encoder_path)
    return folder, run, encoder


def failure(capfd, *arguments):
    capfd.readouterr()
    assert main([str(a) for a in arguments]) == 2
    return capfd.readouterr().err.strip()


def test_queries_against_an_index(place, capsys):
    folder, run, encoder = place
    index, queries = folder / "index.npz", folder / "queries.npz"
    assert main(["retrieval", str(run.folder), "--index", str(index), "--query", str(queries)]) == 0
    assert "mean average precision" in capsys.readouterr().out
    results = {result.metric: result for result in read_results(run)}
    assert list(results) == ["recall at 1", "recall at 5", "recall at 10", "mean average precision"]
    found, asked = open_source(index), open_source(queries)
    for method, model in (("pretrained", encoder), ("untrained", build_encoder(run))):
        expected = retrieval_scores(embed(model, found), found.labels, embed(model, asked), asked.labels)
        assert results["recall at 5"].scores[method] == [pytest.approx(expected.recall[5])]
        assert results["mean average precision"].scores[method] == [pytest.approx(expected.mean_average_precision)]
    result = results["recall at 1"]
    assert list(result.scores) == ["pretrained", "untrained"]
    assert result.data == f"{index} -> {queries}"
    assert result.command.startswith("byol-keras retrieval ")
    assert (result.settings["index_images"], result.settings["queries"]) == (40, 20)


def test_leave_one_out(place):
    folder, run, encoder = place
    assert main(["retrieval", str(run.folder), "--index", str(folder / "index.npz")]) == 0
    (written,) = json.loads((run.folder / "results" / "retrieval.json").read_text())[:1]
    found = open_source(folder / "index.npz")
    expected = retrieval_leave_one_out(embed(encoder, found), found.labels).recall[1]
    assert written["scores"]["pretrained"] == [pytest.approx(expected)]
    assert written["settings"]["protocol"] == "leave one out"


def test_what_is_wrong_is_said(place, tmp_path, capfd):
    folder, run, _ = place
    both = ("--index", folder / "index.npz", "--query", folder / "." / "index.npz")
    assert "Every query would find itself" in failure(capfd, "retrieval", run.folder, *both)
    images, labels, class_names = synthetic_images(12, 3)

    def said(index, query=None, **arrays):
        np.savez(tmp_path / "other.npz", **arrays)
        query = [] if query is None else ["--query", query]
        return failure(capfd, "retrieval", run.folder, "--index", index, *query)

    good, other = folder / "index.npz", tmp_path / "other.npz"
    assert "has no labels" in said(other, images=images)
    assert "one class only" in said(other, images=images, labels=0 * labels)
    assert "do not have the same classes" in said(
        good, other, images=images, labels=labels, class_names=[*"abcdefghij"]
    )
    few = {"images": images[:10], "labels": labels[:10], "class_names": class_names}
    assert "10 images are too few for recall at 10" in said(other, **few)
    assert "not a run" in failure(capfd, "retrieval", tmp_path, "--index", good)

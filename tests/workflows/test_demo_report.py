"""The report of the demo: one page with its numbers and images."""

import dataclasses
import json

import numpy as np
import pytest

from byol_keras.data.synthetic import synthetic_images
from byol_keras.errors import InputError
from byol_keras.runs.build import build_encoder
from byol_keras.runs.recipe import Recipe
from byol_keras.runs.results import Result, write_results
from byol_keras.runs.run import Run
from byol_keras.workflows.demo_report import write_demo_report

from ..page_reader import Page

RECIPE = Recipe("resnet8", 16, 2, 4, "adamw", 1e-3, 1e-4, 0.5, 0.97)
HISTORY = "epoch,loss,target_std,tau\n0,2.5,0.8,0.97\n1,1.25,0.9,1.0\n"
PARITIES = [
    {"artifact": "encoder/1", "size_bytes": 1234567, "largest": 2e-7, "tolerance": "largest <= 0.0001"},
    {"artifact": "encoder.tflite", "size_bytes": 890123, "largest": None, "tolerance": "largest <= 0.0001"},
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that looks evaluated and exported, its encoder untrained, and class names that need escaping."""
    folder = tmp_path_factory.mktemp("demo")
    for name, seed in (("train", 1), ("test", 2)):
        images, labels, class_names = synthetic_images(20, seed)
        np.savez(folder / f"{name}.npz", images=images, labels=labels, class_names=[f"<{n}>" for n in class_names])
    run = Run(folder / "run", RECIPE, str(folder / "train.npz"), 0, 1, [0.5], [0.2])
    run.write_config()
    build_encoder(run).save(run.encoder_path)
    run.history_path.write_text(HISTORY)
    errors = {"pretrained": [0.03], "untrained": [0.04], "majority class": [0.03]}
    others = {"majority class": [0.125]}
    by_knn = Result("k-NN", "accuracy", "", {"pretrained": [0.7512], "untrained": [0.43], **others}, {"neighbors": 20})
    by_linear = Result("linear probe", "accuracy", "", {"pretrained": [0.702], "untrained": [0.41], **others})
    balanced = dataclasses.replace(by_knn, metric="balanced accuracy")
    write_results(
        run, "evaluation", [dataclasses.replace(result, errors=errors) for result in (by_knn, balanced, by_linear)]
    )
    (folder / "parity.json").write_text(json.dumps([{**parity, "latency_ms": 1.234} for parity in PARITIES]))
    return run


@pytest.fixture(scope="module")
def text(run):
    path = run.folder.parent / "report.html"
    folder = run.folder.parent
    write_demo_report(run, folder / "train.npz", folder / "test.npz", folder, path, ["byol-keras embed <RUN>"])
    return path.read_text(encoding="utf-8")


def test_the_page_needs_no_other_file(text):
    addresses = Page(text).addresses
    # The grid of views, three curves, and for each of ten classes the query and six neighbors by two encoders.
    assert len(addresses) == 1 + 3 + 10 * 13
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in text


def test_the_page_holds_the_numbers(text):
    words = " ".join(Page(text).words)
    assert "untrained 43.0 41.0" in words or "untrained43.041.0" in words.replace(" ", "")
    for figure in (
        "75.1",
        "70.2",
        "12.5",
        "+32.1 ± 5.0",
        "+29.2 ± 5.0",
        "1,235",
        "2.0e-07",
        "890",
        "not finite",
        "1.23",
        "embed <RUN>",
    ):
        assert figure in words


def test_names_are_escaped(text):
    assert "<stripes>" not in text
    assert "&lt;stripes&gt;" in text


def test_without_an_export(run, tmp_path):
    with pytest.raises(InputError, match="byol-keras export"):
        write_demo_report(run, run.data, run.data, tmp_path, tmp_path / "report.html", [])
    assert not (tmp_path / "report.html").exists()

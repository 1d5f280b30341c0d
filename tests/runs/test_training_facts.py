import dataclasses
import hashlib
import json
import os
import shutil

import pytest

from byol_keras.runs.results import Result, write_results
from byol_keras.runs.run_config import load_run
from byol_keras.runs.training_facts import training_facts


def test_the_facts_of_a_run(make_run):
    run = make_run()
    scores = {"pretrained": [0.5, 0.7], "untrained": [0.25, 0.25]}
    write_results(run, "evaluation", [Result("Image classification, 20-NN", "accuracy", "/a/train -> /a/test", scores)])
    facts = training_facts(run.folder)
    config = json.loads((run.folder / "config.json").read_text())
    assert facts["run"] == "run"
    assert facts["checksum"] == config["checksum"]
    assert facts["trained_with"] == config["versions"]
    assert facts["recipe"] == dataclasses.asdict(run.recipe)
    assert (facts["seed"], facts["source"], facts["image_count"]) == (5, "photos", None)
    (result,) = facts["results"]
    assert result == {
        "task": "Image classification, 20-NN",
        "metric": "accuracy",
        "data": "train -> test",
        "method": "pretrained",
        "value": pytest.approx(0.6),
        "others": {"untrained": 0.25},
    }
    assert load_run(run.folder).facts == facts
    json.dumps(facts, allow_nan=False)


def test_where_things_lie_is_not_told(make_run):
    run = make_run()
    for data, told in (("/home/ada/photos", "photos"), ("tfds:imagenette/160px-v2:train",) * 2):
        dataclasses.replace(run, data=data, start_from="/home/ada/runs/first").write_config()
        facts = training_facts(run.folder)
        assert (facts["source"], facts["start_from"]) == (told, "first")
        assert "/home" not in json.dumps(facts)


def test_a_file_and_a_file_of_a_run(make_run, tmp_path):
    run = make_run()
    shutil.copy(run.encoder_path, tmp_path / "alone.keras")
    digest = hashlib.sha256(run.encoder_path.read_bytes()).hexdigest()
    assert training_facts(tmp_path / "alone.keras") == {"file": "alone.keras", "sha256": digest}
    shutil.copy(run.encoder_path, run.best_encoder_path)
    facts = training_facts(run.best_encoder_path)
    assert (facts["file"], facts["sha256"], facts["run"]) == ("best_encoder.keras", digest, "run")


def test_results_of_the_encoder_before_an_extension_are_not_told(make_run):
    run = make_run()
    path = write_results(run, "evaluation", [Result("task", "accuracy", "data", {"pretrained": [0.5]})])
    dataclasses.replace(run, legs=[1.0, 2.0]).write_config()
    assert len(training_facts(run.folder)["results"]) == 1
    long_ago = run.encoder_path.stat().st_mtime - 60
    os.utime(path, (long_ago, long_ago))
    assert training_facts(run.folder)["results"] == []

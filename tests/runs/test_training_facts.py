import dataclasses
import hashlib
import json
import shutil

import pytest

from byol_keras.runs.results import Result, write_results
from byol_keras.runs.run_config import load_run
from byol_keras.runs.training_facts import training_facts

RESULT = Result("task", "accuracy", "data", {"pretrained": [0.5]})
FILES = ("evaluation.json", "retrieval.json")


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


def test_results_of_the_encoder_before_an_extension_are_not_told(make_run, untrained, capfd):
    run = make_run()
    path = write_results(run, "evaluation", [RESULT])
    dataclasses.replace(run, legs=[1.0, 2.0]).write_config()
    assert len(training_facts(run.folder)["results"]) == 1
    assert capfd.readouterr().err == ""
    shutil.copyfile(untrained(6), run.encoder_path)
    # What was measured while the new one was trained is of the old one, however late it was written.
    write_results(run, "retrieval", [RESULT])
    assert training_facts(run.folder)["results"] == []
    lines = capfd.readouterr().err.splitlines()
    assert [line.startswith(str(run.results_path / name)) for line, name in zip(lines, FILES, strict=True)] == [
        True
    ] * 2
    assert all("is of an encoder that" in line and line.endswith("measure again.") for line in lines)
    write_results(load_run(run.folder), "evaluation", [RESULT])
    assert len(training_facts(run.folder)["results"]) == 1
    # A result that does not say which encoder it is of is of the one before.
    fields = json.loads(path.read_text())
    path.write_text(json.dumps([{name: value for name, value in fields[0].items() if name != "encoder"}]))
    assert training_facts(run.folder)["results"] == []
    dataclasses.replace(run, legs=[]).write_config()
    assert len(training_facts(run.folder)["results"]) == 1


def test_another_encoder_of_a_run_has_none_of_its_results(make_run, untrained):
    run = make_run()
    write_results(run, "evaluation", [RESULT])
    shutil.copyfile(untrained(6), run.best_encoder_path)
    facts = training_facts(run.best_encoder_path)
    assert (facts["run"], facts["results"]) == ("run", [])
    assert len(training_facts(run.encoder_path)["results"]) == 1

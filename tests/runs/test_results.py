"""The results of a run: written, read back, taken together, and shown."""

import dataclasses

import pytest

from byol_keras.errors import InputError
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.results import Result, pool_results, read_results, write_results
from byol_keras.runs.results_table import results_table
from byol_keras.runs.run import Run

FEW = Result("few labels", "accuracy", "a -> b", {"fine-tuned": [0.6, 0.7], "from scratch": [0.5, 0.5]}, {"epochs": 9})


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run", recipe_named("short"), "photos", 0, 3, [0.5] * 3, [0.2] * 3)


def test_written_results_are_read_back_in_the_order_of_their_files(run):
    few = Result("few labels", "accuracy", "a -> b", {"pretrained": [0.5, 0.7], "from scratch": [0.4]}, {"epochs": 3})
    faces = Result("faces", "accuracy", "c", {"pretrained": [0.9]}, seconds=1.5, command="byol-keras verify")
    write_results(run, "few-labels", [few])
    write_results(run, "faces", [faces])
    assert read_results(run) == [faces, few]


def test_a_new_measurement_replaces_the_old(run):
    for accuracy in (0.1, 0.2):
        write_results(run, "faces", [Result("faces", "accuracy", "c", {"pretrained": [accuracy]})])
    assert [result.scores for result in read_results(run)] == [{"pretrained": [0.2]}]


def test_a_run_without_measurements_has_no_results(run):
    assert read_results(run) == []


@pytest.mark.parametrize("text", ["{", '[{"task": "faces"}]'])
def test_a_file_of_something_else_is_named(run, text):
    path = write_results(run, "faces", [])
    path.write_text(text)
    with pytest.raises(InputError, match=r"faces\.json cannot be read as results"):
        read_results(run)


def test_table_has_mean_std_and_gain():
    scores = {"pretrained": [0.5, 0.7], "from scratch": [0.4, 0.4]}
    lines = results_table([Result("few labels", "accuracy", "a -> b", scores)]).splitlines()
    # Of 50 and 70: mean 60, std sqrt(2 * 10^2 / 1) = 14.1.
    assert lines[1] == "On a -> b"
    assert lines[2].split() == ["few", "labels", "accuracy", "pretrained", "60.0", "14.1", "of", "2"]
    assert lines[3].split() == ["from", "scratch", "40.0", "0.0", "of", "2", "+20.0", "±", "14.1"]


def test_table_has_no_gain_without_a_spread():
    scores = {"pretrained": [0.5], "from scratch": [0.4]}
    *_, line, last = results_table([Result("boxes", "mAP", "a -> b", scores)]).splitlines()
    assert line.split() == ["from", "scratch", "40.0"]
    assert last == "No gain stands where its spread is not known: measure more seeds or label subsets, or runs " + (
        "of several seeds, which `byol-keras report` takes together."
    )


@pytest.fixture
def runs(tmp_path):
    """Two runs that differ in their seed, and one with another recipe."""
    recipe = recipe_named("short")
    recipes = (recipe, recipe, dataclasses.replace(recipe, epochs=20))
    return [Run(tmp_path / f"run{i}", of, "photos", i, 3, [0.5] * 3, [0.2] * 3) for i, of in enumerate(recipes)]


def test_only_what_differs_in_its_seed_is_pooled(runs):
    other = dataclasses.replace(FEW, scores={"fine-tuned": [0.8, 0.9], "from scratch": [0.4, 0.4]}, seconds=2.0)
    longer_tuning = dataclasses.replace(FEW, settings={"epochs": 10})
    pooled = pool_results([(runs[0], [FEW, longer_tuning]), (runs[1], [other]), (runs[2], [FEW])])
    assert [(result.scores["fine-tuned"], folders) for result, folders in pooled] == [
        ([0.6, 0.7, 0.8, 0.9], [runs[0].folder, runs[1].folder]),
        ([0.6, 0.7], [runs[0].folder]),
        ([0.6, 0.7], [runs[2].folder]),
    ]
    assert pooled[0][0].seconds == 2.0


def test_the_seed_of_a_measurement_does_not_part_it_from_others(runs):
    first, second = (dataclasses.replace(FEW, settings={"epochs": 9, "seed": seed}) for seed in (0, 1))
    ((together, folders),) = pool_results([(runs[0], [first]), (runs[1], [second])])
    assert (together.scores["fine-tuned"], len(folders)) == ([0.6, 0.7, 0.6, 0.7], 2)
    assert together.settings == {"epochs": 9}
    ((together, _),) = pool_results([(runs[0], [second]), (runs[1], [second])])
    assert together.settings == {"epochs": 9, "seed": 1}


def test_runs_that_differ_in_what_they_saw_or_began_with_are_not_pooled(runs):
    for change in ({"start_from": "/runs/other"}, {"channels": 1}, {"value_range": [0, 4095]}):
        other = dataclasses.replace(runs[1], **change)
        assert len(pool_results([(runs[0], [FEW]), (other, [FEW])])) == 2


def test_a_copy_of_a_run_counts_once(runs, capfd):
    copy = dataclasses.replace(runs[0], folder=runs[0].folder.parent / "copy")
    ((together, folders),) = pool_results([(runs[0], [FEW]), (copy, [FEW]), (runs[1], [FEW])])
    assert (together.scores["fine-tuned"], folders) == ([0.6, 0.7, 0.6, 0.7], [runs[0].folder, runs[1].folder])
    assert f"{copy.folder} is of the same seed as {runs[0].folder}" in capfd.readouterr().err

"""The results page: runs of several seeds taken together, and nothing else."""

import dataclasses
import re

import pytest

from byol_keras.cli.main import main
from byol_keras.errors import InputError
from byol_keras.reports.results_page import pool, write_results_page
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.results import Result, write_results
from byol_keras.runs.run import Run

from ..page_reader import Page

FEW = Result(
    "Few <labels>", "accuracy", "a -> b", {"fine-tuned": [0.6, 0.7], "from scratch": [0.5, 0.5]}, {"epochs": 9}
)


@pytest.fixture
def runs(tmp_path):
    """Two runs that differ in their seed, and one with another recipe."""
    recipe = recipe_named("short")
    longer = dataclasses.replace(recipe, epochs=20)
    made = []
    for i, of in enumerate((recipe, recipe, longer)):
        run = Run(tmp_path / f"run{i}", of, "photos", i, 3, [0.5] * 3, [0.2] * 3)
        run.folder.mkdir()
        run.write_config()
        made.append(run)
    return made


def test_only_what_differs_in_its_seed_is_pooled(runs):
    other = dataclasses.replace(FEW, scores={"fine-tuned": [0.8, 0.9], "from scratch": [0.4, 0.4]}, seconds=2.0)
    longer_tuning = dataclasses.replace(FEW, settings={"epochs": 10})
    pooled = pool([(runs[0], [FEW, longer_tuning]), (runs[1], [other]), (runs[2], [FEW])])
    assert [(result.scores["fine-tuned"], folders) for result, folders in pooled] == [
        ([0.6, 0.7, 0.8, 0.9], [runs[0].folder, runs[1].folder]),
        ([0.6, 0.7], [runs[0].folder]),
        ([0.6, 0.7], [runs[2].folder]),
    ]
    assert pooled[0][0].seconds == 2.0


def test_the_seed_of_a_measurement_does_not_part_it_from_others(runs):
    first, second = (dataclasses.replace(FEW, settings={"epochs": 9, "seed": seed}) for seed in (0, 1))
    ((together, folders),) = pool([(runs[0], [first]), (runs[1], [second])])
    assert (together.scores["fine-tuned"], len(folders)) == ([0.6, 0.7, 0.6, 0.7], 2)
    assert together.settings == {"epochs": 9}
    ((together, _),) = pool([(runs[0], [second]), (runs[1], [second])])
    assert together.settings == {"epochs": 9, "seed": 1}


def test_the_command_writes_a_page_of_its_own(runs, tmp_path, capsys):
    for run in runs[:2]:
        write_results(run, "finetune", [dataclasses.replace(FEW, command="byol-keras finetune --data 'a b'")])
        run.history_path.write_text("epoch,loss\n0,2.0\n1,1.0\n")
    assert main(["report", str(runs[0].folder), str(runs[1].folder)]) == 0
    shown = capsys.readouterr().out
    # 60, 70, 60, 70: mean 65, deviation sqrt(100 / 3) = 5.8; 15 points above 50.
    assert re.search(r"65\.0 +5\.8 of 4", shown)
    assert "+15.0" in shown
    page = Page((runs[0].folder / "results.html").read_text(encoding="utf-8"))
    words = " ".join(page.words)
    for expected in ("Few <labels>", "65.0", "5.8", "+15.0", "byol-keras finetune --data 'a b'", "resnet8x2"):
        assert expected in words
    # The chart and a curve of the loss for each run.
    assert len(page.addresses) == 3
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)


def test_without_any_measurement(runs, tmp_path):
    with pytest.raises(InputError, match="Nothing was measured yet"):
        write_results_page(runs, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()

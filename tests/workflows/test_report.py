"""`byol-keras report`: runs of several seeds taken together on one page."""

import dataclasses
import re

import pytest

from byol_keras.cli.main import main
from byol_keras.errors import InputError
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.results import Result, write_results
from byol_keras.runs.run import Run
from byol_keras.workflows.report import report_runs

from ..page_reader import Page

FEW = Result("Few <labels>", "accuracy", "a<b>x", {"<u>tuned": [0.6, 0.7], "from scratch": [0.5, 0.5]}, {"epochs": 9})


@pytest.fixture
def runs(tmp_path):
    """Two runs that differ in their seed, and one with another recipe."""
    recipe = recipe_named("short")
    longer = dataclasses.replace(recipe, epochs=20)
    made = []
    for i, of in enumerate((recipe, recipe, longer)):
        run = Run(tmp_path / f"run {i} $a$b$ <i>", of, "photos", i, 3, [0.5] * 3, [0.2] * 3)
        run.folder.mkdir()
        run.write_config()
        made.append(run)
    return made


def test_the_command_writes_a_page_of_its_own(runs, tmp_path, capsys):
    for run in runs[:2]:
        write_results(run, "finetune", [dataclasses.replace(FEW, command="byol-keras finetune --data 'a b'")])
        run.history_path.write_text("epoch,loss\n0,2.0\n1,1.0\n")
    assert main(["report", str(runs[0].folder), str(runs[1].folder)]) == 0
    shown = capsys.readouterr().out
    # 60, 70, 60, 70: mean 65, std sqrt(100 / 3) = 5.8; 15 points above 50.
    assert re.search(r"65\.0 +5\.8 of 4", shown)
    assert "+15.0" in shown
    text = (runs[0].folder / "results.html").read_text(encoding="utf-8")
    assert not re.search("<labels|<u>|<i>|<b>x", text)
    page = Page(text)
    words = " ".join(page.words)
    for expected in (
        "Few <labels>",
        "65.0",
        "5.8",
        "+15.0",
        "byol-keras finetune --data 'a b'",
        "resnet8x2",
        "a<b>x",
        "<u>tuned",
        "run 0 $a$b$ <i>",
    ):
        assert expected in words
    for name in ("a<b>x", "<u>tuned", "run 0 $a$b$ <i>"):
        assert name in words
    # The chart and a curve of the loss for each run.
    assert len(page.addresses) == 3
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)


def test_a_run_by_two_names_counts_once(runs, tmp_path, capsys):
    write_results(runs[0], "finetune", [dataclasses.replace(FEW, scores={"tuned": [0.6], "from scratch": [0.5]})])
    (tmp_path / "link").symlink_to(runs[0].folder)
    names = [str(runs[0].folder), f"{runs[0].folder}/", str(tmp_path / "link")]
    assert main(["report", *names]) == 0
    assert not re.search(r" of [23]", capsys.readouterr().out)


def test_the_curve_says_what_the_loss_is_of(runs, tmp_path):
    alone = {"coding_rate_weight": 0.0}
    others = {**alone, "center_weight": 0.5, "critic_weight": 1, "contrastive_temperature": 1}
    for run, fields in zip(runs, ({}, alone, others), strict=True):
        run = dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, **fields))
        run.write_config()
        write_results(run, "finetune", [FEW])
        run.history_path.write_text("epoch,loss\n0,2.0\n1,1.0\n")
    report_runs([run.folder for run in runs], tmp_path / "page.html")
    text = " ".join(Page((tmp_path / "page.html").read_text(encoding="utf-8")).words)
    captions = (
        "0 to 8, of the predictions, less the coding-rate term",
        "0 to 8, of the predictions",
        "contrastive, of the predictions, plus the center's loss, plus the critic's loss",
    )
    for run, caption in zip(runs, captions, strict=True):
        assert f"{run.folder}: {caption}" in text
    assert [text.count(words) for words in ("coding-rate term", "the center's loss", "contrastive")] == [1, 1, 1]


def test_without_any_measurement(runs, tmp_path):
    with pytest.raises(InputError, match="Nothing was measured yet"):
        report_runs([run.folder for run in runs], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()

"""A clock that is set while a command runs changes nothing: what is measured and decided goes by the monotonic one."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import byol_keras as bk

ROOT = Path(__file__).resolve().parents[1]
WALL_CLOCK = ("time.time", "time.time_ns", "time.localtime", "datetime.now", "datetime.today", "datetime.utcnow")
# What only writes the date under a table, and what asks how old a file is, whose times are the wall clock's: one that
# seems too young is checked again.
ALLOWED = {
    "export/benchmark/costs.py": ["datetime.date.today"],
    "byol_keras/data/cache_file.py": ["time.time_ns"],
}

# Each time it is asked, the clock has been set by up to a year, back or forth.
JUMPING = """
import random, sys, time
real, generator = time.time, random.Random(0)
time.time = lambda: real() + generator.uniform(-3e7, 3e7)
from byol_keras.cli.main import main
sys.exit(main())
"""


def test_nothing_asks_the_wall_clock():
    asked = {}
    for path in [*ROOT.glob("byol_keras/**/*.py"), *ROOT.glob("export/**/*.py")]:
        names = [ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
        found = [name for name in names if name.endswith((*WALL_CLOCK, "date.today"))]
        if found:
            asked[path.relative_to(ROOT).as_posix()] = found
    assert asked == ALLOWED


def run_command(*words, code=JUMPING):
    shown = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    return shown


@pytest.mark.slow
def test_results_are_the_same_by_a_clock_that_jumps(make_run, sources):
    run, (train, test) = make_run().folder, sources
    words = ["evaluate", run, "--train", train, "--test", test]
    scores = []
    for code in (JUMPING, JUMPING.replace("time.time = ", "jumping = ")):
        run_command(*words, code=code)
        results = json.loads((run / "results" / "evaluation.json").read_text())
        assert all(0 < result["seconds"] < 600 for result in results)
        scores.append([result["scores"] for result in results])
    assert scores[0] == scores[1]


@pytest.mark.slow
def test_training_goes_on_by_a_clock_that_jumps(sources, tmp_path):
    flags = ["--epochs", "1", "--image-size", "16", "--batch-size", "24", "--backbone", "resnet8", "--seed", "3"]
    weights = []
    for name, code in (("jumping", JUMPING), ("steady", JUMPING.replace("time.time = ", "jumping = "))):
        run_command("pretrain", "--data", sources[0], "--out", tmp_path / name, *flags, code=code)
        weights.append(bk.load_run(tmp_path / name).encoder.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)

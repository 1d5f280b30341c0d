"""Damaged files, some thousands of them; `python -m benchmarks.fuzz` goes on to the hundred thousands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADDED_BYTES = 2 * 2**30 + 200 * 2**20  # decode.DECODE_BUDGET and libraries


def fuzz(target, inputs):
    """The line that a run of it prints."""
    command = [sys.executable, "-m", "benchmarks.fuzz", target, "--inputs", str(inputs), "--seed", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def checked(line, inputs):
    """Holds what it says against what may be."""
    words = line.replace(",", "").split()
    decoded, refused, crashed, growth = (int(words[words.index(word) + step]) for word, step in MARKS)
    assert crashed == 0, line
    assert decoded + refused == inputs
    # Not all is refused, or the inputs would test the first bytes only.
    assert inputs // 20 < decoded < inputs - inputs // 20
    assert growth * 2**20 < ADDED_BYTES


MARKS = (("decoded", -1), ("refused", -1), ("crashed", -1), ("MiB", -1))


@pytest.mark.slow
def test_a_few_thousand_inputs_to_our_decoder():
    checked(fuzz("decode", 4000), 4000)


@pytest.mark.slow
def test_a_few_hundred_inputs_to_serve_bytes():
    checked(fuzz("serve_bytes", 500), 500)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["decode", "serve_bytes"])
def test_a_hundred_thousand_inputs(target):
    checked(fuzz(target, 100_000), 100_000)

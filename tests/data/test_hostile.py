"""A thousand hostile files among good ones."""

import json
import os
import subprocess
import sys

import pytest

from byol_keras.data.decode import DECODE_BUDGET, check, decode
from byol_keras.errors import InputError
from byol_keras.utils.printable import printable

from .hostile import SIDE, write_good, write_hostile

PER_CLASS = 3200  # so that the broken files are fewer than a tenth: see `check_all`
INDEX_BYTES = 300 * 2**20  # of names, paths, sizes and libraries, far more than ten thousand images need

OPEN = """
import json, resource, sys
from byol_keras.data import open_source
import byol_keras.data.train_pipeline
def peak():
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30, 16 * 2**30))  # for the machine's sake, should this test fail
before = peak()
source = open_source(sys.argv[1])
print(json.dumps([list(source.names), source.broken, peak() - before, source.sizes.tolist()]))
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    good = write_good(root, ("blue", "green", "red"), PER_CLASS)
    valid, broken = write_hostile(root, "hostile")
    assert len(valid) + len(broken) >= 1000
    return root, good, valid, broken


def test_a_source_of_it_names_each_broken_file_once(mixed):
    root, good, valid, broken = mixed
    command = [sys.executable, "-c", OPEN, str(root)]
    # Nothing is typed, so whoever reads a link to the terminal waits for ever: this ends it.
    opened = subprocess.run(command, capture_output=True, timeout=300, stdin=subprocess.PIPE)
    assert opened.returncode == 0, opened.stderr.decode()
    names, excluded, growth, sizes = json.loads(opened.stdout)
    assert sorted(names) == sorted(good + valid)
    assert sorted(name for name, _ in excluded) == sorted(broken)
    assert all(reason and "\n" not in reason for _, reason in excluded)
    assert growth < DECODE_BUDGET + INDEX_BYTES
    assert dict(zip(names, map(tuple, sizes), strict=True))[good[0]] == (SIDE, SIDE)
    said = opened.stderr.decode()
    assert f"{len(broken)} of {len(good + valid + broken):,} images cannot be decoded and are excluded" in said
    assert "1 of" in said  # the one of 12 bits in 16
    # Nothing but lines ends a line, and no code reaches the terminal.
    assert printable(said) == said.replace("\n", r"\n")


def test_each_says_the_same_when_it_is_decoded(mixed):
    root, _, valid, broken = mixed
    for name in valid:
        path = os.path.join(root, name)
        assert decode(path).shape[:2] == check(path).size
    # Only TensorFlow minds a name that is not UTF-8.
    for name in broken:
        if "\udce9" in name:
            continue
        with pytest.raises(InputError) as error:
            decode(os.path.join(root, name))
        assert printable(error.value) == str(error.value)

"""What is held back, and that nothing else is, however the block ends."""

import os
import signal
import subprocess
import sys

import pytest

from byol_keras.errors import InputError
from byol_keras.utils.quiet import CONVERTING, quiet


def test_only_harmless_lines_are_held_back(capfd):
    harmless = (
        "I0000 00:00:1.2    7 loader.cc:236] Restoring SavedModel bundle.",
        "W0000 00:00:1.2    7 tf_tfl_flatbuffer_helpers.cc:364] Ignored output_format.",
        "W0000 00:00:1.2    7 tf_tfl_flatbuffer_helpers.cc:367] Ignored drop_control_dependency.",
        "W0000 00:00:1.2    7 flatbuffer_export.cc:3851] Skipping runtime version metadata in the model. This will be",
        "fully_quantize: 0, inference_type: 6, input_inference_type: FLOAT32, output_inference_type: FLOAT32",
    )
    with quiet(CONVERTING):
        os.write(1, "".join(f"{line}\n" for line in harmless).encode())
        os.write(2, b"E0000 00:00:1.2    7 something.cc:1] look here\n")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["E0000 00:00:1.2    7 something.cc:1] look here"]


def test_everything_is_shown_when_something_unexpected_fails(capfd):
    def fail():
        os.write(2, b"I0000 00:00:1 loader.cc:1] the last thing done\n")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), quiet(CONVERTING):
        fail()
    assert "the last thing done" in capfd.readouterr().err
    print("restored")
    assert capfd.readouterr().out == "restored\n"


def test_an_input_error_says_by_itself_what_is_wrong(capfd):
    def fail():
        os.write(2, b"E0000 00:00:1 something.cc:1] the converter's own words\n")
        raise InputError("one line")

    with pytest.raises(InputError), quiet(CONVERTING):
        fail()
    assert capfd.readouterr().err == ""


def run(program, folder):
    """The standard error and the exit code of a process; `folder` comes first where it looks for modules."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    return done.stderr, done.returncode


ABORTING = """
import os, sys
os.write(2, b"I0000 00:00:1 harmless.cc:1] starting\\nF0000 00:00:1 fatal.cc:1] Check failed: the reason\\n")
os.abort()
"""


def test_what_an_aborting_tensorflow_says_is_shown(tmp_path):
    (tmp_path / "tensorflow.py").write_text(ABORTING)
    error, code = run("from byol_keras.utils.startup import import_tensorflow; import_tensorflow()", tmp_path)
    assert "Check failed: the reason" in error
    assert code == -signal.SIGABRT


def test_the_converters_last_words_are_shown(tmp_path):
    program = f"from byol_keras.utils.quiet import *\nwith quiet(CONVERTING):\n    exec({ABORTING!r})"
    error, code = run(program, tmp_path)
    assert error.splitlines()[-1] == "F0000 00:00:1 fatal.cc:1] Check failed: the reason"
    assert code == -signal.SIGABRT

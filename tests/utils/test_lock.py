"""The lock, between real processes."""

import signal
import subprocess
import sys

import pytest

from byol_keras.errors import InputError
from byol_keras.utils.lock import LOCK_NAME, exclusive, lock_path

HOLD = """
import sys, time
from byol_keras.utils.lock import exclusive
with exclusive(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def hold():
    """Starts a process that holds a path; gives it once it does."""
    processes = []

    def start(path):
        process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("name", ["run", "run/labels.csv"])
def test_another_process_is_refused_at_once_and_told_by_whom(name, hold, tmp_path):
    (tmp_path / "run").mkdir()
    path = tmp_path / name
    process = hold(path)
    for _ in range(2):
        said = rf"{name} is in use by another process \({process.pid} on \S+\): wait for it or end it"
        with pytest.raises(InputError, match=said) as refused, exclusive(path):
            pass
        assert "\n" not in str(refused.value)
    # Another folder is free.
    (tmp_path / "other").mkdir()
    with exclusive(tmp_path / "other"):
        pass


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_process_does_not_hold_it(end, hold, tmp_path):
    for _ in range(3):
        process = hold(tmp_path)
        process.send_signal(end)
        process.wait()
        with exclusive(tmp_path):
            pass


def test_it_is_free_again_after_use_and_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="a bug"), exclusive(tmp_path):
            raise RuntimeError("a bug")
    with exclusive(tmp_path), pytest.raises(InputError, match="in use by another process"), exclusive(tmp_path):
        pass
    # What stays is one hidden file.
    assert [path.name for path in tmp_path.iterdir()] == [LOCK_NAME] == [lock_path(tmp_path).name]


def test_what_stands_in_the_file_before_does_no_harm(tmp_path):
    for text in (b"", b"\xff\xfe", b"1\nelsewhere\n", b"[" * 10_000):
        (tmp_path / LOCK_NAME).write_bytes(text)
        with exclusive(tmp_path):
            pass


def test_a_folder_that_is_gone_is_one_line(tmp_path):
    said = r"Cannot write .*gone.*: its folder is gone"
    with pytest.raises(InputError, match=said), exclusive(tmp_path / "gone" / "run"):
        pass
    assert not any(tmp_path.iterdir())

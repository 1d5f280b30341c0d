"""Files that are whole or not there; what the disk refuses is one line, a bug is not."""

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.errors import InputError
from byol_keras.utils.atomic import atomic_path, check_writable, write_files
from byol_keras.utils.disk_error import DISK
from byol_keras.utils.part_file import remove_parts


def fail_halfway(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("a bug")


def test_nothing_stands_under_the_name_before_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "er" / "notes.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("all of it")
        assert temporary.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "all of it"
    with pytest.raises(RuntimeError, match="a bug"):
        fail_halfway(path)
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


def test_folders_too(tmp_path):
    with atomic_path(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "file").touch()
    assert (tmp_path / "folder" / "file").exists()
    (tmp_path / "other").mkdir()
    with pytest.raises(RuntimeError, match="a bug"):
        fail_halfway(tmp_path / "other" / "new")
    assert not any((tmp_path / "other").iterdir())
    (tmp_path / "other").rmdir()
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_path_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "in it").mkdir(parents=True)
    below = tmp_path / "file" / "notes.txt"
    with pytest.raises(InputError, match=r"Cannot write .*notes\.txt: .*file is not a folder\. Choose another path"):
        write_files({below: b"text"})
    with pytest.raises(InputError, match=r"Cannot write .*notes\.txt: .*file is not a folder\. Choose another path"):
        check_writable(below)
    with pytest.raises(InputError, match=r"Cannot write .*folder: Is a directory"):
        write_files({tmp_path / "folder": b"text"})
    with pytest.raises(InputError, match="folder is a folder: name a file in it"):
        check_writable(tmp_path / "folder")
    # Asking makes nothing.
    check_writable(tmp_path / "new" / "deep" / "notes.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_folder_without_permission(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write everywhere")
    for attempt in (check_writable, lambda path: write_files({path: b""})):
        with pytest.raises(InputError, match=r"Cannot write .*: Permission denied"):
            attempt(closed / "notes.txt")


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def write_bytes(path):
    path.write_bytes(bytes(3_000_000))


def write_text(path):
    # Small pieces, most of which a full disk refuses only when the file is closed.
    with path.open("w") as file:
        for _ in range(300_000):
            file.write("1234567890")


def write_npz(path):
    np.savez(path, a=np.zeros(400_000))


def write_h5(path):
    with h5py.File(path, "w") as file:
        file["a"] = np.zeros(400_000)


def write_keras(path):
    inputs = keras.Input((600,))
    keras.Model(inputs, keras.layers.Dense(600)(inputs)).save(path)


def write_weights(path):
    inputs = keras.Input((600,))
    keras.Model(inputs, keras.layers.Dense(600)(inputs)).save_weights(path)


def write_tensorflow(path):
    tf.io.write_file(str(path), tf.constant(bytes(3_000_000)))


def write_saved_model(path):
    module = tf.Module()
    module.variable = tf.Variable(tf.zeros(400_000))
    tf.saved_model.save(module, str(path))


def write_records(path):
    with tf.io.TFRecordWriter(str(path)) as file:
        for _ in range(30):
            file.write(bytes(100_000))


def write_folder(path):
    path.mkdir()
    for i in range(30):
        (path / str(i)).write_bytes(bytes(100_000))


WRITERS = {
    "notes.bin": write_bytes,
    "notes.txt": write_text,
    "vectors.npz": write_npz,
    "a.h5": write_h5,
    "model.keras": write_keras,
    "model.weights.h5": write_weights,
    "tensor": write_tensorflow,
    "saved_model": write_saved_model,
    "data.tfrecord": write_records,
    "folder": write_folder,
}


def some_each_time(names):
    """Each writes in a process that imports TensorFlow, so only those which fail in ways of their own run each time."""
    often = ("notes.txt", "model.keras", "a.h5", "data.tfrecord")
    return [name if name in often else pytest.param(name, marks=pytest.mark.slow) for name in names]


def test_a_device_that_is_always_full(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "notes.txt").write_text("earlier")

    def write():
        with atomic_path(tmp_path / "notes.txt") as part:
            part.symlink_to("/dev/full")
            part.write_text("new")

    with pytest.raises(InputError, match=r"notes\.txt: No space left on device\. What was there before is unchanged"):
        write()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("notes.txt", "earlier")]


@pytest.mark.parametrize("number", DISK)
def test_whatever_a_disk_says_of_itself_comes_with_what_to_do(number, tmp_path):
    said = f"Cannot write {tmp_path / 'a'}: {os.strerror(number)}. Nothing was left there. {DISK[number]}."
    # With its number alone, and in the words of TensorFlow.
    for error in (OSError(number, os.strerror(number)), tf.errors.UnknownError(None, None, os.strerror(number))):
        with pytest.raises(InputError) as raised, atomic_path(tmp_path / "a"):
            raise error
        assert str(raised.value) == said


def test_of_several_files_none_is_new_on_a_full_disk(small_disk):
    (small_disk / "a").write_text("earlier")
    with pytest.raises(InputError, match=r"Cannot write .*/b: No space left on device\. Nothing was left there\. Free"):
        write_files({small_disk / "a": b"new", small_disk / "b": bytes(3_000_000)})
    assert [(path.name, path.read_text()) for path in small_disk.iterdir()] == [("a", "earlier")]


def test_a_disk_that_becomes_read_only(small_disk):
    path = small_disk / "notes.txt"
    path.write_text("earlier")

    def write():
        with atomic_path(path) as part:
            part.write_text("new")
            subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    with pytest.raises(InputError, match=r"notes\.txt: Read-only file system\. What was there before is unchanged"):
        write()
    for attempt in (check_writable, lambda path: write_files({path: b""}), fail_halfway):
        with pytest.raises(InputError, match=r"Cannot write .*notes\.txt: Read-only file system"):
            attempt(path)
    with pytest.raises(InputError, match=r"Cannot write .*new/notes\.txt: Read-only file system"):
        write_files({small_disk / "new" / "notes.txt": b""})
    assert path.read_text() == "earlier"
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    # The half file that could not be removed then.
    assert len(remove_parts(small_disk)) == 1
    assert list(small_disk.iterdir()) == [path]


WRITE = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_atomic
from byol_keras.errors import InputError
from byol_keras.utils.atomic import atomic_path
path = Path(sys.argv[2])
if len(sys.argv) > 3:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    with atomic_path(path) as part:
        test_atomic.WRITERS[path.name](part)
except InputError as error:
    print(error)
"""


def refusal(path, *limit):
    """What is said when a process writes; one of its own, because h5py complains once more when its objects go."""
    command = [sys.executable, "-c", WRITE, str(Path(__file__).parent), str(path), *map(str, limit)]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.stdout, shown.stderr
    return shown.stdout.strip()


@pytest.mark.parametrize("name", some_each_time(WRITERS))
def test_a_full_disk_is_one_line_whoever_writes_and_the_earlier_file_stays(name, small_disk):
    path = small_disk / name
    if name not in ("saved_model", "folder"):
        path.write_text("earlier")
    before = sorted(small_disk.rglob("*"))
    state = "What was there before is unchanged" if before else "Nothing was left there"
    remedy = "Free some space, or choose another path."
    assert refusal(path) == f"Cannot write {path}: No space left on device. {state}. {remedy}"
    assert sorted(small_disk.rglob("*")) == before
    assert not before or path.read_text() == "earlier"


@pytest.mark.parametrize("name", some_each_time(sorted(WRITERS.keys() - {"saved_model", "folder"})))
def test_a_limit_of_a_files_size_is_one_line_whoever_writes(name, tmp_path):
    path = tmp_path / name
    path.write_text("earlier")
    what = "File too large. What was there before is unchanged. Raise the limit of a file's size (ulimit -f)"
    assert refusal(path, 100_000).startswith(f"Cannot write {path}: {what}")
    assert [(left.name, left.read_text()) for left in tmp_path.iterdir()] == [(name, "earlier")]


def test_a_folder_that_goes_meanwhile_is_said_and_not_made_again(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()

    def write(make_folder):
        with atomic_path(folder / "notes.txt", make_folder) as part:
            part.write_text("half")
            part.unlink()
            folder.rmdir()

    for make_folder in (False, True):
        folder.mkdir(exist_ok=True)
        with pytest.raises(InputError, match=r"run/notes\.txt: its folder is gone\. Put .*run back"):
            write(make_folder)
        with pytest.raises(InputError, match="its folder is gone"), atomic_path(folder / "notes.txt", False):
            pytest.fail("nothing can be written")
        assert not folder.exists()


def test_a_folder_that_goes_while_others_write_into_it(tmp_path):
    folder = tmp_path / "run"

    def write(name):
        with atomic_path(folder / name, False) as part:
            folder.rmdir()
            WRITERS[name](part)

    # TensorFlow makes all folders above what these write.
    for name in WRITERS.keys() - {"tensor", "saved_model"}:
        folder.mkdir()
        with pytest.raises(InputError, match="its folder is gone"):
            write(name)
        assert not any(tmp_path.iterdir())


def test_what_is_never_written_is_a_bug(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "notes.txt"):
        pass


def test_a_full_disk_elsewhere_and_before_is_not_this_files(tmp_path):
    try:
        raise OSError(errno.ENOSPC, "No space left on device")
    except OSError:
        with pytest.raises(RuntimeError, match="a bug"):
            fail_halfway(tmp_path / "notes.txt")
    with pytest.raises(OSError, match="elsewhere"), atomic_path(tmp_path / "notes.txt"):
        raise OSError(errno.ENOSPC, "No space left on device", "/elsewhere")


def test_a_clock_of_1970_is_said(tmp_path, monkeypatch):
    """As of a board without a battery. What is written otherwise does not ask the time."""
    monkeypatch.setattr(time, "time", lambda: 0.0)
    for name in ("notes.bin", "vectors.npz", "a.h5", "folder"):
        with atomic_path(tmp_path / name) as part:
            WRITERS[name](part)
        assert (tmp_path / name).exists()
    with (
        pytest.raises(InputError, match=r"model\.keras: the system's clock is before 1980"),
        atomic_path(tmp_path / "model.keras") as part,
    ):
        write_keras(part)


def test_all_is_on_the_disk_before_the_name_is(tmp_path):
    """By the system's own list of calls: content, then the rename, then the folder."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    code = (
        "import sys; from byol_keras.utils.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as part:\n    part.write_text('all of it')\n"
    )
    calls = tmp_path / "calls"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2", "-o", calls]
    subprocess.run([*command, sys.executable, "-c", code, tmp_path / "notes.txt"], check=True, capture_output=True)
    lines = [line for line in calls.read_text().splitlines() if str(tmp_path) in line]
    assert len(lines) == 3
    assert "fsync(" in lines[0]
    assert ".part.notes.txt" in lines[0]
    assert "rename" in lines[1]
    assert "fsync(" in lines[2]
    assert "notes.txt" not in lines[2]


def test_an_error_of_another_file_is_not_taken_for_the_disks(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "notes.txt"):
        (tmp_path / "absent").read_text()
    with pytest.raises(OSError, match="broken pipe"), atomic_path(tmp_path / "notes.txt"):
        raise OSError(errno.EPIPE, "broken pipe")
    with pytest.raises(InputError, match=r"notes\.txt: No space left on device"), atomic_path(tmp_path / "notes.txt"):
        # As HDF5 words it.
        raise OSError("Can't write data (errno = 28, error message = 'No space left on device')")
    assert not any(tmp_path.iterdir())

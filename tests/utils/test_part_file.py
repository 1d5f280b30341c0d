"""What killed processes leave half written, and what is not theirs."""

import os
import signal
import subprocess
import sys

import pytest

from byol_keras.utils.atomic import atomic_path
from byol_keras.utils.part_file import open_part, remove_parts

WRITE = """
import sys, time
from byol_keras.utils.atomic import atomic_path
with atomic_path(sys.argv[1]) as file, atomic_path(sys.argv[2]) as folder:
    file.write_text("half")
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "notes.txt").write_text("half")
    print("half", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path):
    """A process in the middle of writing a file and a folder."""
    command = [sys.executable, "-c", WRITE, str(tmp_path / "a" / "notes.txt"), str(tmp_path / "a" / "b" / "folder")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "half\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_of_a_killed_process_all_is_removed_and_of_a_running_one_nothing(writer, tmp_path):
    half = names(tmp_path)
    assert len([name for name in half if ".part." in name]) == 2
    assert remove_parts(tmp_path) == []
    assert names(tmp_path) == half
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    (tmp_path / "a" / "kept.txt").touch()
    assert sorted(path.name.rpartition(".part.")[2] for path in remove_parts(tmp_path)) == ["folder", "notes.txt"]
    assert names(tmp_path) == ["a", "b", "kept.txt"]
    assert remove_parts(tmp_path / "nowhere") == []


def test_other_hosts_other_names_and_what_links_lead_to_stay(tmp_path):
    with open_part(tmp_path / "x.txt") as part:
        host = part.name[1:9]
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    other = "00000000" if host != "00000000" else "11111111"
    mine = [f".{host}-{gone.pid}-0.part.x.txt", f".{host}-{2**40}-3.part.link"]
    foreign = [f".{other}-{gone.pid}-0.part.x.txt", f".{gone.pid}.part.x.txt", f".{host}-1-0.part.x.txt", ".part.x"]
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / mine[0]).touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / mine[1]).symlink_to(tmp_path / "precious")
    (tmp_path / "run" / "linked").symlink_to(tmp_path / "precious")
    for name in (mine[0], *foreign):
        (tmp_path / "run" / name).touch()
    assert sorted(path.name for path in remove_parts(tmp_path / "run")) == sorted(mine)
    assert sorted(names(tmp_path / "run")) == sorted([*foreign, "linked"])
    assert names(tmp_path / "precious") == [mine[0]]


def test_a_part_with_the_number_of_this_process_is_its_own_only_while_it_writes(tmp_path):
    """As after a container has been started again, where the processes get the same numbers."""
    with atomic_path(tmp_path / "new.txt") as part:
        part.write_text("under way")
        old = part.with_name(part.name.replace(f"-{os.getpid()}-", f"-{os.getpid()}-99"))
        old.write_text("half")
        assert remove_parts(tmp_path) == [old]
    assert names(tmp_path) == ["new.txt"]


def test_two_writers_of_one_name_do_not_disturb_each_other(tmp_path):
    with atomic_path(tmp_path / "notes.txt") as first:
        first.write_text("first")
        with atomic_path(tmp_path / "notes.txt") as second:
            second.write_text("second")
    assert (tmp_path / "notes.txt").read_text() == "first"
    assert names(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("name", ["n" * 251 + ".txt", "日" * 83 + ".txt"])
def test_names_as_long_as_the_file_system_takes(name, tmp_path):
    with atomic_path(tmp_path / name) as part:
        part.write_text("all of it")
        assert part.suffix == ".txt"
    assert (tmp_path / name).read_text() == "all of it"

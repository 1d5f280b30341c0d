import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from byol_keras.errors import InputError
from byol_keras.utils import memory
from byol_keras.utils.memory import MemoryBudget, available_memory, require_memory


def test_what_is_there_is_no_more_than_the_machine_has():
    assert 0 < available_memory() <= psutil.virtual_memory().total + psutil.swap_memory().total


def write_group(folder, **files):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name.replace("_", ".", 1)).write_text(str(content))


@pytest.mark.parametrize(
    ("line", "folder", "files", "expected"),
    [
        (
            "0::/job/inner",
            "job",
            {"memory_max": 5000, "memory_current": 4000, "memory_stat": "anon 1\nfile 1500\n"},
            2500,
        ),
        ("0::/job/inner", "job/inner", {"memory_max": "max", "memory_current": 1, "memory_stat": "file 0\n"}, None),
        (
            "4:cpu,memory:/job",
            "memory/job",
            {"memory_limit_in_bytes": 900, "memory_usage_in_bytes": 700, "memory_stat": "cache 5\ntotal_cache 20\n"},
            220,
        ),
    ],
)
def test_the_limit_of_a_container_counts(line, folder, files, expected, tmp_path, monkeypatch):
    write_group(tmp_path / "groups" / folder, **files)
    (tmp_path / "cgroup").write_text(line + "\n")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_GROUPS_OF_THIS_PROCESS", tmp_path / "cgroup")
    swap = psutil.swap_memory().free
    assert (available_memory() - swap == expected) == (expected is not None)


def test_what_cannot_fit_is_refused_in_one_line():
    require_memory(1, "One byte", "take none")
    with pytest.raises(InputError, match=r"^Two views need at least 1,048,576 GiB of memory, and .* take less$"):
        require_memory(2**50, "Two views", "take less")


def test_threads_together_take_no_more_than_the_budget():
    budget, taken, most, lock = MemoryBudget(10), [0], [0], threading.Lock()

    def work(count):
        with budget.take(count):
            with lock:
                taken[0] += count
                most[0] = max(most[0], taken[0])
            time.sleep(0.001)
            with lock:
                taken[0] -= count
        return count

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, [3, 4, 5] * 50)) == 600
    assert 5 < most[0] <= 10


def test_a_demand_larger_than_all_of_it_waits_until_it_is_alone():
    budget, order = MemoryBudget(10), []
    with budget.take(1):
        thread = threading.Thread(target=lambda: _take(budget, 100, order))
        thread.start()
        time.sleep(0.05)
        order.append("first is done")
    thread.join(10)
    assert order == ["first is done", 100]
    _take(budget, 10, order)


def _take(budget, count, order):
    with budget.take(count):
        order.append(count)


def test_an_error_gives_back_what_was_taken():
    budget = MemoryBudget(10)
    with pytest.raises(ZeroDivisionError), budget.take(10):
        1 / 0  # noqa: B018
    with budget.take(10):
        pass

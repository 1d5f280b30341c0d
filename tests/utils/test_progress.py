"""How far work is: lines in a log file, one bar on a terminal."""

import io
import sys

import pytest

from byol_keras.utils import progress as module
from byol_keras.utils.progress import Progress, print_beside, progress


@pytest.fixture
def clock(monkeypatch):
    """A list whose last number is the time."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[-1])
    return now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def as_terminal(monkeypatch):
    """A function: makes stderr a terminal and gives it; in the test, as pytest has its own until that begins."""

    def make():
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return make


def seconds_each(items, clock, seconds):
    for item in items:
        yield item
        clock.append(clock[-1] + seconds)


def test_a_line_every_ten_seconds(clock, capsys):
    assert list(progress(seconds_each(range(7), clock, 4), 7, "Reading")) == list(range(7))
    assert capsys.readouterr().err.splitlines() == [
        "Reading: 4 of 7, about 9 s left",
        "Reading: 7 of 7, about 0 s left",
    ]


def test_parts_are_shares_of_one_whole(clock, capsys):
    # A part has items of its own: in the last one, two for each of the whole's.
    with Progress(10, "Indexing") as bar:
        for end in (4, 8, 10):
            assert list(bar.up_to(end)(seconds_each(range(4), clock, 5), 4, "Checking")) == [0, 1, 2, 3]
            assert bar.done == end
    assert capsys.readouterr().err.splitlines() == [
        "Indexing: 3 of 10, about 23 s left",
        "Indexing: 5 of 10, about 20 s left",
        "Indexing: 7 of 10, about 13 s left",
        "Indexing: 8 of 10, about 7 s left",
        "Indexing: 9 of 10, about 3 s left",
    ]


def test_a_part_that_ends_early_is_made_up_for(clock, capsys):
    with Progress(10, "Indexing") as bar:
        list(bar.up_to(5)(range(1), 4, ""))
        assert bar.done == 1.25
        bar.to(5)
        list(bar.up_to(10)([], 0, ""))
        clock.append(clock[-1] + 20)
        bar.to(10)
    assert capsys.readouterr().err == "Indexing: 10 of 10, about 0 s left\n"


def test_on_a_terminal_it_is_one_bar_that_goes_away(as_terminal):
    terminal = as_terminal()
    with Progress(10, "Indexing") as bar:
        for end in (5, 10):
            list(bar.up_to(end)(range(3), 3, "Checking"))
        print_beside("A line.")
        assert bar._bar.n == 10
    shown = terminal.getvalue()
    assert "Checking" not in shown
    assert "\rIndexing: 100%|" in shown
    # On a line of its own: what was on it is wiped first.
    assert "\r" in shown.split("A line.\n")[0][-2:]
    assert shown.endswith("\r")


def test_nothing_to_do_is_nothing_to_show(as_terminal):
    terminal = as_terminal()
    with Progress(0, "Indexing"):
        pass
    assert list(progress([], 0, "Reading")) == []
    assert terminal.getvalue() == ""

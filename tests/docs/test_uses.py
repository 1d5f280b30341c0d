"""The commands of the README and of the pages that are not typed one by one are commands there are."""

import shlex

import pytest

from byol_keras.cli.main import parse

from .reader import DOCS, commands

PAGES = {
    "uses": DOCS / "uses.md",
    "web": DOCS / "web.md",
    "images": DOCS / "images.md",
    "readme": DOCS.parent / "README.md",
}


def _lines(page):
    text = PAGES[page].read_text().replace("\\\n", "")
    return [line for line in commands(text) if line.startswith("byol-keras ")]


@pytest.mark.parametrize(("page", "least"), [("uses", 19), ("web", 2), ("images", 2), ("readme", 12)])
def test_every_command_is_understood(page, least):
    lines = _lines(page)
    assert len(lines) >= least
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        assert parse(words).command == words[0]

"""The pages in a real browser, as wide as a screen and as narrow as a phone."""

from pathlib import Path

import pytest
from PIL import Image

from byol_keras.reports.duplicates_page import duplicates_page
from byol_keras.reports.results_page import results_page
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.results import Result
from byol_keras.runs.run import Run
from byol_keras.tasks.retrieval.collection import Collection
from byol_keras.tasks.retrieval.duplicates import Copy
from byol_keras.utils.html import write_page

from ..browser import find_browser, open_browser

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed here")
LONG = "a_name_without_any_space_" * 6


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Addresses of a results page and a page of duplicates, with names longer than a phone is wide."""
    folder = tmp_path_factory.mktemp("pages")
    run = Run(Path(LONG), recipe_named("short"), LONG, 0, 3, [0.5] * 3, [0.2] * 3)
    result = Result("Classification", "accuracy", LONG, {"pretrained": [0.5, 0.6], LONG[:40]: [0.4]}, {LONG: 1})
    history = [{"epoch": 0, "loss": 2.0}, {"epoch": 1, "loss": 1.0}]
    write_page(folder / "results.html", results_page([(result, [run.folder])], [(run, history)]))
    names = tuple(f"{i}{LONG}.png" for i in range(4))
    collection = Collection(LONG, names, ("",) * 4, paths=tuple(str(folder / name) for name in names))
    for path in collection.paths[:3]:
        Image.new("RGB", (200, 200)).save(path)
    copies = [Copy(i, name, 200, 200, 0.0) for i, name in enumerate(names)]
    write_page(folder / "duplicates.html", duplicates_page(collection, [copies], 0.1, 0.5, 4, "d.csv"))
    return {path.stem: path.as_uri() for path in folder.glob("*.html")}


@pytest.fixture(params=[(390, True), (1200, False)], ids=["phone", "screen"], scope="module")
def browser(request, tmp_path_factory):
    width, dark = request.param
    with open_browser(tmp_path_factory.mktemp("browser") / "profile", width, 900, dark) as browser:
        browser.width = width
        yield browser


@pytest.mark.parametrize("name", ["results", "duplicates"])
def test_nothing_is_wider_than_the_window(browser, pages, name):
    browser.open(pages[name])
    assert browser.value("document.documentElement.scrollWidth") <= browser.width


def test_the_curve_of_a_single_run_does_not_fill_a_screen(browser, pages):
    browser.open(pages["results"])
    assert 250 < browser.value("document.querySelector('.curves img').offsetWidth") < 450


def test_tiles_stand_three_in_a_row_on_a_phone(browser, pages):
    browser.open(pages["duplicates"])
    tops = browser.value("[...document.querySelectorAll('.tile')].map(t => t.offsetTop)")
    phone = browser.width < 500
    assert sum(top == tops[0] for top in tops) == (3 if phone else 4)
    # An image and the frame of one that is gone are as high, and nothing of their size is shown without smoothing.
    heights = browser.value("[...document.querySelectorAll('.tile img, .none')].map(e => e.offsetHeight)")
    assert heights == [96 if phone else 120] * 4
    assert browser.value("getComputedStyle(document.querySelector('.tile img')).imageRendering") == "auto"

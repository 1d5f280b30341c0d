"""The page in a real browser, used with keys and clicks until the labels are saved and the head is trained."""

import base64
import csv
import json
import threading

import numpy as np
import pytest
from PIL import Image

from byol_keras.tasks import LabelingSession, LabelsFile
from byol_keras.tasks.labeling.web.server import LabelingServer

from ...browser import find_browser, open_browser
from ...data.turned import ORIENTATIONS, blocks, stored

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed here")
IDLE = "document.body.getAttribute('aria-busy') === 'false' && state !== null"


@pytest.fixture
def server(colored, tmp_path):
    folder, names, embeddings, _ = colored
    labeling = LabelingSession(names, embeddings, LabelsFile(tmp_path / "labels.csv", folder, names))
    with LabelingServer(labeling, folder, tmp_path / "out") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def browser(tmp_path):
    with open_browser(tmp_path / "profile") as browser:
        yield browser


def test_a_user_labels_until_the_head_is_trained(server, browser, colored, tmp_path):
    folder, names, _, truth = colored

    def saved():
        return LabelsFile(tmp_path / "labels.csv", folder, names).labels

    def shown():
        """The image the user sees, by its color."""
        browser.wait_for(f"{IDLE} && at('image').complete && at('image').naturalWidth === 40")
        return truth[int(browser.value("at('image').dataset.index"))]

    browser.open(server.url)
    # Before there is any class, the page says which keys there are.
    assert browser.value("at('keys').offsetHeight") > 0
    assert browser.text("#keys kbd") == "n"
    # A first class with the key for a new one, a second with a click.
    first = shown()
    browser.key("n", "n")
    browser.type(f"{first} <i>&amp;")
    browser.key("Enter", "\r")
    browser.wait_for(f"{IDLE} && state.labeled === 1")
    assert list(saved().values()) == [f"{first} <i>&amp;"]
    assert f"{first} <i>&amp;" in browser.text("#classes button")
    assert browser.value("document.querySelector('i')") is None
    browser.key("u", "u")
    browser.wait_for(f"{IDLE} && state.labeled === 0")
    assert saved() == {}

    classes, skipped = [], False
    while len(saved()) < 20:
        before, kind = len(saved()), shown()
        if kind in classes and before % 4 == 1:
            browser.click(f"#classes button:nth-child({classes.index(kind) + 1})")
        elif kind in classes and not skipped:
            skipped = True
            browser.key("s", "s")
        elif kind in classes:
            browser.key(str(classes.index(kind) + 1))
        else:
            classes.append(kind)
            browser.click("#name")
            browser.type(kind)
            browser.click("#new button")
        browser.wait_for(f"{IDLE} && state.labeled + state.skipped === {before + 1}")
        assert len(saved()) == before + 1
    assert sorted(classes) == sorted(set(truth))
    labels = saved()
    assert list(labels.values()).count(None) == 1
    assert all(label in (None, truth[names.index(name)]) for name, label in labels.items())

    # Two rounds have been learned from: the table says so.
    cells = browser.value("[...at('table').tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))")
    assert [row[0] for row in cells] == classes
    assert sum(int(row[1]) for row in cells) == 19
    assert sum(int(row[2]) for row in cells) == 60 - 19
    browser.value("at('written').scrollIntoView()")
    browser.wait_for("[...document.querySelectorAll('#table img')].every(i => i.complete && i.naturalWidth === 40)")
    assert "Too few labels" in browser.text("#accuracy")

    # Another round, only with keys; then there is an estimate, and the result is written.
    for count in range(20, 30):
        browser.key(str(classes.index(shown()) + 1))
        browser.wait_for(f"{IDLE} && state.labeled + state.skipped === {count + 1}")
    assert "Right about" in browser.text("#accuracy")
    browser.click("#write")
    browser.wait_for("at('written').textContent.includes('head.npz')")
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(row["class"] == truth[names.index(row["image"])] for row in rows) > 54
    assert browser.messages == []


def test_mistakes_are_said_on_the_page(server, browser, colored, tmp_path):
    folder, names, *_ = colored
    first, second = server.session.waiting[:2]
    (folder / names[first]).unlink()
    browser.open(server.url)
    browser.wait_for("!at('notice').hidden && at('notice').textContent.includes('skip it')")
    browser.click("#skip")
    browser.wait_for(f"{IDLE} && at('notice').hidden && state.waiting[0] === {second}")
    (tmp_path / "labels.csv").write_text("image,class\n")
    browser.key("s", "s")
    browser.wait_for("!at('error').hidden && at('error').textContent.includes('changed by something else')")
    browser.call("Network.enable")
    browser.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
    browser.key("s", "s")
    browser.wait_for("at('error').textContent.includes('still running')")
    # Nothing of what failed has been saved.
    assert (tmp_path / "labels.csv").read_text() == "image,class\n"


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1000, False)])
def test_the_page_fits_a_phone_and_the_dark(width, dark, server, tmp_path):
    labels = ["red", "green", "a rather long name of a class that has no spaces_in_its_second_half_at_all"[:60]]
    for index in list(server.session.waiting):
        server.session.label(index, labels[index % 3])
    with open_browser(tmp_path / "profile", width, 800, dark) as browser:
        browser.open(server.url)
        browser.wait_for(f"{IDLE} && at('image').complete")
        assert browser.value("document.documentElement.scrollWidth") <= width
        assert browser.value("(w => w.scrollWidth <= w.clientWidth)(document.querySelector('.wide'))")
        # Image, classes, skip and undo without scrolling, each as tall as a finger wants.
        assert browser.value("at('undo').getBoundingClientRect().bottom") <= 800
        heights = browser.value("[...document.querySelectorAll('main button')].map(b => b.offsetHeight)")
        assert min(heights) >= 40
        browser.screenshot(tmp_path / "page.png")
        with Image.open(tmp_path / "page.png") as image:
            assert (sum(image.convert("RGB").getpixel((2, 2))) < 200) == dark


def test_a_browser_sets_jpegs_upright(browser):
    """On which the labeling page relies."""
    draw = """
        const image = new Image(); image.src = URL;
        await image.decode();
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        canvas.getContext('2d').drawImage(image, 0, 0);
        return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data];
    """
    expected = blocks(3, 4)
    for orientation in ORIENTATIONS:
        url = "data:image/jpeg;base64," + base64.b64encode(stored(expected, orientation)).decode()
        shown = browser.value(f"(async () => {{ {draw.replace('URL', json.dumps(url))} }})()")
        np.testing.assert_allclose(np.reshape(shown, (48, 64, 4))[..., :3], expected, atol=4)

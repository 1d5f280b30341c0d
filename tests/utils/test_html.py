"""Pages from templates: everything filled in is escaped, and nothing is missing silently."""

import base64
import io

import jinja2
import numpy as np
import pytest
from PIL import Image

from byol_keras.utils.html import png_uri, render_page, write_page

from ..page_reader import Page

BODY = """{% extends "base.html" %}{% from "table.html" import table %}
{% block title %}About {{ name }}{% endblock %}
{% block body %}<p title="{{ name }}">{{ name }}</p>{{ table(["a", name], [[name, 1]]) }}{% endblock %}"""
EVIL = """<script>alert("x")</script>' onload='"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(BODY)
    return path


def test_values_are_text_wherever_they_stand(template):
    text = render_page(template, name=EVIL)
    assert "<script" not in text
    page = Page(text)
    # In the title, the first heading, the paragraph and two cells.
    assert " ".join(page.words).count(EVIL) == 5
    assert page.tags.count("p") == 1


def test_a_value_that_is_missing_is_an_error(template):
    with pytest.raises(jinja2.UndefinedError, match="'name' is undefined"):
        render_page(template)


def test_a_page_replaces_an_older_one_at_once(tmp_path):
    path = tmp_path / "new" / "page.html"
    for text in ("old", "new: ä"):
        write_page(path, text)
    assert path.read_text(encoding="utf-8") == "new: ä"
    assert [each.name for each in path.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_inside_the_page_has_the_pixels(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    for image in (pixels, pixels / np.float32(255)):
        head, data = png_uri(image).split(",")
        assert head == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as read:
            np.testing.assert_array_equal(np.asarray(read).reshape(pixels.shape), pixels)

"""The charts, by what is drawn where."""

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from byol_keras.reports.charts import _results_figure, history_chart, results_chart, roc_chart
from byol_keras.runs.results import Result
from byol_keras.utils.figure import BLUE, GRAY

# Means closer together than any label is high, and a name that matplotlib would take for a formula.
CLOSE = {"pretrained": [0.5, 0.52], "from scratch": [0.505], "frozen $x$": [0.506], "linear probe": [0.507, 0.508]}
RESULTS = [Result(f"Classification, {share} % of the labels", "accuracy", "a", CLOSE) for share in (1, 10)]


def test_no_label_of_the_results_covers_another():
    figure = _results_figure(RESULTS)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    numbers = [text for text in axes.get_xticklabels() if low <= text.get_position()[0] <= high]
    texts = [*axes.texts, *axes.get_yticklabels(), *numbers]
    assert {text.get_text() for text in texts} >= {*CLOSE, *(f"{each.task}: accuracy" for each in RESULTS)}
    boxes = {text: text.get_window_extent() for text in texts}
    for one, other in combinations(texts, 2):
        assert not boxes[one].overlaps(boxes[other]), (one, other)
    for box in boxes.values():
        assert figure.bbox.contains(box.x0, box.y0)
        assert figure.bbox.contains(box.x1, box.y1)


def test_the_dots_are_means_and_the_lines_standard_deviations():
    (axes,) = _results_figure(RESULTS[:1]).axes
    dots = [container.lines[0] for container in axes.containers]
    assert [dot.get_xdata()[0] for dot in dots] == pytest.approx([51, 50.5, 50.6, 50.75])
    assert [dot.get_color() for dot in dots] == [BLUE, GRAY, GRAY, GRAY]
    (segment,) = axes.containers[0].lines[2][0].get_segments()
    # Of 50 and 52: sqrt(2 * 1^2 / 1).
    assert np.ptp(segment[:, 0]) == pytest.approx(2 * np.sqrt(2))


def test_charts_are_png_with_a_ground_that_lets_the_page_through():
    for data in (history_chart([1, 2], [3.0, 2.0], "loss"), results_chart(RESULTS)):
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "PNG"
            assert image.convert("RGBA").getpixel((0, 0))[3] == 0


def test_roc_of_up_to_four_methods():
    same = np.arange(20) % 2 == 0
    scores = {f"method {i}": np.random.default_rng(i).random(20) for i in range(4)}
    for count in (1, 4):
        with Image.open(io.BytesIO(roc_chart(same, dict(list(scores.items())[:count])))) as image:
            assert image.size == (700, 560)

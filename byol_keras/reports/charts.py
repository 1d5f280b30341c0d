"""Charts for the pages, as the bytes of a .png; the words beside them that users choose are HTML, not ink."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..runs.results import Result
from ..utils.figure import BLUE, GRAY, new_figure, png_bytes, style_axes

ROW = 0.22  # inches of height for each method in the chart of results


def history_chart(epochs: Sequence[int], values: Sequence[float], name: str) -> bytes:
    """A line over the epochs.

    Args:
        epochs: n ints, from 1.
        values: n floats, one for each epoch.
        name: str, what they are, such as "loss".
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(3.6, 2.4)
    axes = figure.add_subplot()
    axes.plot(epochs, values, color=BLUE, marker="o", markersize=3)
    axes.set_xlabel("epoch", color=GRAY)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style_axes(axes, name)
    return png_bytes(figure)


def results_chart(results: Sequence[Result]) -> bytes:
    """A line for each method, in blue for the one from pretraining: a dot at its mean, with its standard deviation.

    Args:
        results: list of `Result`, at least one.
    """
    return png_bytes(_results_figure(results))


def _results_figure(results):
    from matplotlib.transforms import blended_transform_factory

    headings, names, dots = [], [], []
    for result in results:
        headings.append((len(headings) + len(names), f"{result.task}: {result.metric}"))
        for i, (method, scores) in enumerate(result.scores.items()):
            y, color = len(headings) + len(names), GRAY if i else BLUE
            names.append((y, method))
            dots.append((100 * np.mean(scores), y, 100 * np.std(scores, ddof=1) if len(scores) > 1 else 0, color))
    rows = len(headings) + len(names)
    figure = new_figure(5.2, 0.6 + ROW * rows)
    axes = figure.add_subplot()
    for mean, y, std, color in dots:
        axes.errorbar(mean, y, xerr=std, color=color, marker="o", markersize=6, capsize=3)
    axes.set_yticks([y for y, _ in names], [name for _, name in names], parse_math=False)
    for y, heading in headings:
        # In a line of its own, from the left edge of the whole chart: it may be long.
        place = {"transform": blended_transform_factory(figure.transFigure, axes.transData), "va": "center"}
        axes.text(0.01, y, heading, color=GRAY, fontsize=8, fontweight="bold", parse_math=False, **place)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.margins(x=0.06)
    axes.set_xlabel("%", color=GRAY)
    axes.grid(axis="x", color=GRAY, alpha=0.3)
    style_axes(axes, size=8)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def roc_chart(same: np.ndarray, scores: Mapping[str, np.ndarray]) -> bytes:
    """The ROC curves of at most four methods, the share of false accepts on a logarithmic axis from 0.1 to 100 %.

    Args:
        same: (N,) bool, whether both images of a pair show the same.
        scores: dict of method -> (N,) floats, higher for pairs that are more alike.
    """
    from sklearn.metrics import roc_curve

    figure = new_figure(5, 4)
    axes = figure.add_subplot()
    for (name, values), style in zip(scores.items(), ("C0-", "C7-", "C0:", "C7:"), strict=False):
        false_accepts, true_accepts, _ = roc_curve(same, values)
        axes.plot(100 * false_accepts, 100 * true_accepts, style, label=name)
    axes.set_xscale("log")
    axes.set_xlim(0.1, 100)
    axes.set_xlabel("pairs of two accepted, %")
    axes.set_ylabel("pairs of the same accepted, %")
    axes.grid(alpha=0.3)
    axes.legend()
    return png_bytes(figure, dpi=140, transparent=False)

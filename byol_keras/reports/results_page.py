"""The results page: everything that was measured about one or several runs, in one file."""

import dataclasses
import html
import io
import json

import numpy as np

from ..callbacks.csv_history import read_history
from ..errors import InputError
from ..runs.results import Result, read_results
from ..utils.atomic import atomic_path
from ..utils.extras import require_extra
from ..utils.html import page, png, table
from .demo_page import curve

STYLE = """.curves { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
.curves img { width: 100%; }
td:nth-child(-n+3), th:nth-child(-n+3) { text-align: left; }
td { white-space: normal; }
details { margin: .4rem 0; }"""


def write_results_page(runs, path):
    """Writes an HTML page with every result of the runs.

    Runs that differ in nothing but their seed, and were measured in the same way, are taken together: the page then
    shows the mean and deviation over all their scores.

    Args:
        runs: list of `Run`.
        path: the .html to write; it needs no other file.

    Returns:
        list of `Result`, those on the page.

    Raises:
        InputError: when nothing was measured about any of the runs.
    """
    require_extra("The chart of the results", "matplotlib")
    pooled = pool([(run, read_results(run)) for run in runs])
    if not pooled:
        raise InputError(
            f"Nothing was measured yet about {', '.join(str(run.folder) for run in runs)}: "
            "`byol-keras evaluate` is a beginning."
        )
    # By data, in the order in which they come.
    places = list(dict.fromkeys(result.data for result, _ in pooled))
    pooled.sort(key=lambda pair: places.index(pair[0].data))
    results = [result for result, _ in pooled]
    body = "\n".join(
        [
            "<p>Each figure is the mean over the draws of labels, folds or seeds that the table counts, with the "
            "standard deviation of a single one. The method in bold comes from pretraining without labels; the gain is "
            "its lead over the others.</p>",
            *[_section(data, [result for result in results if result.data == data]) for data in places],
            "<h2>The runs</h2>",
            f'<div class="wide">{_runs(runs)}</div>',
            f'<div class="curves">{_losses(runs)}</div>',
            "<h2>How it was measured</h2>",
            *[_measurement(result, folders) for result, folders in pooled],
        ]
    )
    text = page("byol_keras: what the encoder is good for", body, STYLE, width="68rem")
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return results


def pool(measured):
    """Takes the same measurement of runs together that differ in their seed, or in that of the measurement.

    Args:
        measured: list of (`Run`, list of `Result`).

    Returns:
        list of (Result, folders): the scores one after another, the seconds added, the command of the first; and the
        folders of the runs it comes from.
    """
    groups = {}
    for run, results in measured:
        for result in results:
            same = [result.task, result.metric, result.data, _but_seed(result.settings), list(result.scores)]
            key = json.dumps([*same, run.data, run.exclude, dataclasses.asdict(run.recipe)], sort_keys=True)
            groups.setdefault(key, []).append((run, result))
    pooled = []
    for members in groups.values():
        first = members[0][1]
        scores = {name: [score for _, result in members for score in result.scores[name]] for name in first.scores}
        seconds = sum(result.seconds for _, result in members)
        one = all(result.settings == first.settings for _, result in members)
        settings = first.settings if one else _but_seed(first.settings)
        together = Result(first.task, first.metric, first.data, scores, settings, seconds, first.command)
        pooled.append((together, [run.folder for run, _ in members]))
    return pooled


def _but_seed(settings):
    return {name: value for name, value in settings.items() if name != "seed"}


def chart(results):
    """A dot for each method's mean and a line as wide as its deviation, inside the page."""
    from matplotlib.figure import Figure

    # Grays and colors that can be read on white and on black; the ground lets the page's own through.
    gray, blue = "#808080", "#3b82c4"
    names = [f"{result.task}: {result.metric}" for result in results]
    figure = Figure(figsize=(10, 0.9 + 0.5 * len(results)), layout="constrained")
    axes = figure.add_subplot()
    for y, result in enumerate(results):
        for i, (method, scores) in enumerate(result.scores.items()):
            spread = 100 * np.std(scores, ddof=1) if len(scores) > 1 else 0
            mean = 100 * np.mean(scores)
            color, size = (blue, 7) if i == 0 else (gray, 5)
            axes.errorbar(mean, y, xerr=spread, color=color, marker="o", markersize=size, capsize=3, zorder=3 - i)
            # In turn above and below, where methods lie close together.
            place = (0, -11 if i % 2 else 7)
            axes.annotate(method, (mean, y), place, textcoords="offset points", ha="center", fontsize=6, color=color)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.7)
    axes.set_xlabel("%", color=gray)
    axes.grid(axis="x", color=gray, alpha=0.3)
    axes.tick_params(colors=gray, labelsize=8)
    axes.spines[:].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, transparent=True)
    return png(buffer.getvalue(), "the scores of every method, the pretrained one in blue")


def _section(data, results):
    """What was measured on one set of images."""
    return (
        f"<h2>On {html.escape(data)}</h2>"
        f'<div class="wide">{chart(results)}</div><div class="wide">{_scores(results)}</div>'
    )


def _scores(results):
    """The HTML table: a line a method, the pretrained one in bold."""
    rows = []
    for result in results:
        first = np.mean(next(iter(result.scores.values())))
        for i, (method, scores) in enumerate(result.scores.items()):
            spread = f"± {100 * np.std(scores, ddof=1):.1f}" if len(scores) > 1 else ""
            gain = f"{100 * (first - np.mean(scores)):+.1f}" if i else ""
            head = [result.task, result.metric] if i == 0 else ["", ""]
            rows.append([*head, method, f"{100 * np.mean(scores):.1f}", spread, str(len(scores)), gain])
    header = ["task", "metric", "method", "%", "deviation", "scores", "gain"]
    bold = {html.escape(next(iter(result.scores))) for result in results}
    text = table(header, rows)
    for name in bold:
        text = text.replace(f"<td>{name}</td>", f"<td><b>{name}</b></td>")
    return text


def _runs(runs):
    header = ["run", "images", "encoder", "pixels", "epochs", "batch", "seed"]
    rows = [
        [
            str(run.folder),
            run.data,
            run.recipe.backbone,
            str(run.recipe.image_size),
            str(run.recipe.epochs),
            str(run.recipe.batch_size),
            str(run.seed),
        ]
        for run in runs
    ]
    return table(header, rows)


def _losses(runs):
    curves = []
    for run in runs:
        history = read_history(run.history_path)
        if history:
            epochs, losses = [row["epoch"] + 1 for row in history], [row["loss"] for row in history]
            curves.append(curve(epochs, losses, f"loss of {run.folder.name}", "0 to 8, of the predictions"))
    return "\n".join(curves)


def _measurement(result, folders):
    settings = ", ".join(f"{name} {value}" for name, value in result.settings.items())
    facts = [
        f"on {result.data}",
        settings,
        f"{result.seconds:,.0f} s",
        f"runs: {', '.join(str(folder) for folder in folders)}",
    ]
    line = html.escape("; ".join(fact for fact in facts if fact))
    command = f"<pre>{html.escape(result.command)}</pre>" if result.command else ""
    return (
        f"<details><summary>{html.escape(result.task)}: {html.escape(result.metric)}</summary>"
        f"<p>{line}</p>{command}</details>"
    )

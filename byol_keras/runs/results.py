"""What the measuring commands found out about a run: RUN/results/NAME.json, and the tables made of it."""

import dataclasses
import json

import numpy as np

from ..errors import InputError
from ..utils.atomic import atomic_path
from ..utils.text_table import text_table


@dataclasses.dataclass(frozen=True)
class Result:
    """One figure of merit, for several ways of getting it.

    Attributes:
        task: str, such as "Image classification, 1 % of the labels".
        metric: str, such as "accuracy" or "recall at 5".
        data: str, what it was measured on: the SOURCE, or "TRAIN -> TEST".
        scores: dict of method -> list of floats from 0 to 1, one for each draw of labels, fold or seed. The first
            method is the one that comes from pretraining, the others are what it is compared with.
        settings: dict, what else decided the figures: epochs, learning rate, number of neighbors.
        seconds: float, wall time of the measurement, all methods together.
        command: str, the command line that measured it, or "" when it was not one.
    """

    task: str
    metric: str
    data: str
    scores: dict
    settings: dict = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    command: str = ""


def write_results(run, name, results):
    """Writes RUN/results/NAME.json, over an older one.

    Args:
        run: `Run`.
        name: str, the measurement: letters, digits and hyphens.
        results: list of `Result`.

    Returns:
        Path of the file.
    """
    path = run.folder / "results" / f"{name}.json"
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps([dataclasses.asdict(result) for result in results], indent=2) + "\n")
    return path


def read_results(run):
    """All results of a run, file by file in the order of their names; none where nothing was measured yet.

    Raises:
        InputError: for a file that is not what `write_results` writes.
    """
    results = []
    for path in sorted((run.folder / "results").glob("*.json")):
        try:
            results += [Result(**fields) for fields in json.loads(path.read_text())]
        except (ValueError, TypeError) as error:
            raise InputError(f"{path} cannot be read as results: {error}. Measure again, or delete it.") from error
    return results


def pool_results(measured):
    """Takes the same measurement of runs together that differ in their seed, or in that of the measurement.

    Args:
        measured: list of (`Run`, list of `Result`).

    Returns:
        list of (`Result`, folders): the scores one after another, the seconds added, the command of the first; and the
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


def results_table(results):
    """Results as a text table in percent, a line a method: mean, deviation where there are several, gain over it.

    Results on other data stand below a line that says which.

    Args:
        results: list of `Result`.

    Returns:
        str.
    """
    rows, data = [], {}
    for result in results:
        if result.data not in data.values():
            data[len(rows)] = result.data
        first = np.mean(next(iter(result.scores.values())))
        for i, (method, scores) in enumerate(result.scores.items()):
            spread = f"{100 * np.std(scores, ddof=1):.1f} of {len(scores)}" if len(scores) > 1 else ""
            gain = f"{100 * (first - np.mean(scores)):+.1f}" if i else ""
            head = (result.task, result.metric) if i == 0 else ("", "")
            rows.append((*head, method, f"{100 * np.mean(scores):.1f}", spread, gain))
    header = ("", "metric", "method", "%", "deviation", "gain of the first")
    first_line, *others = text_table(header, rows, left=header[:3]).split("\n")
    lines = [first_line]
    for number, line in enumerate(others):
        lines += [f"On {data[number]}", line] if number in data else [line]
    return "\n".join(lines)


def share(fraction):
    """The share of labels in words: "1 % of the labels", or "all labels"."""
    return "all labels" if fraction == 1 else f"{100 * fraction:g} % of the labels"


def results_name(measurement, fraction):
    """A name for a measurement with a share of the labels: "finetune" for all, "finetune-1pct", "finetune-0-5pct"."""
    return measurement if fraction == 1 else f"{measurement}-{100 * fraction:g}pct".replace(".", "-")

"""What the measuring commands found out about a run: RUN/results/NAME.json, and the tables made of it."""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..utils.atomic import atomic_path, check_writable
from ..utils.progress import print_beside
from ..utils.text_file import read_text_file
from .run import Run


@dataclasses.dataclass(frozen=True)
class Result:
    """One figure of merit, for several ways of getting it.

    Attributes:
        task: such as "Image classification, 1 % of the labels".
        metric: such as "accuracy" or "recall at 5".
        data: what it was measured on: the source, or "TRAIN -> TEST".
        scores: method -> floats from 0 to 1, one for each label subset, fold or seed. The first method is the one that
            comes from pretraining, the others are what it is compared with.
        settings: what else decided the figures: epochs, learning rate, number of neighbors.
        seconds: wall time of the measurement, all methods together.
        command: the command line that measured it, or "" when it was not one.
        errors: method -> the standard error of each score that comes from the number of test images, where it is known.
        classes, confusions: of a classifier of few classes, their names, and method -> how many test images of each
            class (rows) were taken for each (columns), over all scores.
        encoder: `Run.encoder_sha256` of the encoder that was measured; "" in files from before this field.
    """

    task: str
    metric: str
    data: str
    scores: dict[str, list[float]]
    settings: dict = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    command: str = ""
    errors: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    classes: list[str] = dataclasses.field(default_factory=list)
    confusions: dict[str, list[list[int]]] = dataclasses.field(default_factory=dict)
    encoder: str = dataclasses.field(default="", compare=False)


def results_of(
    task: str, figures: dict[str, dict[str, list[float]]], data: str, settings: dict, started: float, command: str
) -> list[Result]:
    """One `Result` for each metric of a measurement that ends now.

    Args:
        task, data, settings, command: as for `Result`.
        figures: metric -> the `scores` of `Result`.
        started: `time.monotonic()` of when the measurement began.

    Returns:
        list of `Result`, in the order of `figures`.
    """
    seconds = round(time.monotonic() - started, 1)
    return [Result(task, metric, data, scores, settings, seconds, command) for metric, scores in figures.items()]


def check_results(run: Run) -> None:
    """Raises InputError where results cannot be written into a run: to be asked before they are measured."""
    check_writable(run.results_path / "new.json")


def write_results(run: Run, name: str, results: Sequence[Result]) -> Path:
    """Writes RUN/results/NAME.json, over an older one.

    Args:
        run: `Run`.
        name: the measurement: letters, digits and hyphens, see `results_name`.
        results: of one measurement.

    Returns:
        Path of the file.
    """
    path = run.results_path / f"{name}.json"
    fields = [dataclasses.asdict(dataclasses.replace(result, encoder=run.encoder_sha256)) for result in results]
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(fields, indent=2) + "\n")
    return path


def read_results(run: Run, name: str | None = None) -> list[Result]:
    """The results of a run, file by file in the order of their names; none where nothing was measured yet.

    Args:
        run: `Run`.
        name: of one measurement, as for `write_results`; None for all.

    Returns:
        list of `Result`.

    Raises:
        InputError: for a file that is not what `write_results` writes.
    """
    results = []
    for path in sorted(run.results_path.glob(f"{name or '*'}.json")):
        text = read_text_file(path)
        try:
            results += [Result(**fields) for fields in json.loads(text)]
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(f"{path} cannot be read as results: {error}. Measure again, or delete it.") from error
    return results


def current_results(run: Run) -> list[Result]:
    """The results of the encoder that the run has now; a line on stderr for each file of another's.

    An extended run had another encoder before. Of results that do not say which was measured, those of such a run are
    taken for the other's.

    Args:
        run: `Run`.

    Returns:
        list of `Result`, as `read_results` gives them.

    Raises:
        InputError: as `read_results`.
    """
    results = []
    for path in sorted(run.results_path.glob("*.json")):
        measured = read_results(run, path.stem)
        current = [
            result for result in measured if (result.encoder == run.encoder_sha256 if result.encoder else not run.legs)
        ]
        if len(current) < len(measured):
            print_beside(f"{path} is of an encoder that {run.folder} had before, and is passed over: measure again.")
        results += current
    return results


def pool_results(measured: Sequence[tuple[Run, Sequence[Result]]]) -> list[tuple[Result, list[Path]]]:
    """Takes the same measurement of runs together that differ in their seed, or in that of the measurement.

    Args:
        measured: runs, each with its results.

    Returns:
        list of (`Result`, folders): the scores one after another, the seconds added, the command of the first; and the
        folders of the runs it comes from.
    """
    groups, copies = {}, {}
    for run, results in measured:
        for result in results:
            same = [result.task, result.metric, result.data, _but_seed(result.settings), list(result.scores)]
            same += [result.classes, list(result.errors)]
            same += [run.data, run.exclude, run.start_from, run.channels, run.value_range, run.legs]
            key = json.dumps([*same, dataclasses.asdict(run.recipe)], sort_keys=True)
            members = groups.setdefault(key, [])
            alike = [other for other, its in members if (other.seed, its.settings) == (run.seed, result.settings)]
            if alike:  # or the spread would be that of one run beside itself
                copies[run.folder] = alike[0].folder
            else:
                members.append((run, result))
    for copy, run in copies.items():
        print_beside(f"{copy} is of the same seed as {run}: what was measured of both in the same way counts once.")
    pooled = []
    for members in groups.values():
        first = members[0][1]
        one = all(result.settings == first.settings for _, result in members)
        together = dataclasses.replace(
            first,
            scores={name: [x for _, result in members for x in result.scores[name]] for name in first.scores},
            settings=first.settings if one else _but_seed(first.settings),
            seconds=sum(result.seconds for _, result in members),
            errors={name: [x for _, result in members for x in result.errors[name]] for name in first.errors},
            confusions={
                name: np.sum([result.confusions[name] for _, result in members], axis=0).tolist()
                for name in first.confusions
            },
        )
        pooled.append((together, [run.folder for run, _ in members]))
    return pooled


def _but_seed(settings):
    return {name: value for name, value in settings.items() if name != "seed"}


def share(label_fraction: float) -> str:
    """The share of labels in words: "1 % of the labels", or "all labels"."""
    return "all labels" if label_fraction == 1 else f"{100 * label_fraction:g} % of the labels"


def results_name(measurement: str, label_fraction: float) -> str:
    """A measurement's name with the share of labels: "finetune" for all, "finetune-1pct", "finetune-0-5pct"."""
    if label_fraction == 1:
        return measurement
    return f"{measurement}-{100 * label_fraction:g}pct".replace(".", "-")

"""What is known of how an encoder came about, for the files that ship."""

import dataclasses
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..utils.checksum import sha256_of
from ..utils.printable import printable
from ..utils.text_file import read_text_file
from .load import run_of
from .results import Result, current_results
from .run import Run
from .run_config import load_run


def training_facts(path: str | os.PathLike) -> dict:
    """How an encoder was trained, and what was measured of it.

    Of folders and files only the name is told, not where they lie: what ships goes to others.

    Args:
        path: a run, or a .keras file. A run's own files, such as its best_encoder.keras, come with the run.

    Returns:
        dict, ready for JSON. Of a file: `file` and `sha256`. Of a run: `run`, its name; `checksum`, that of its
        config.json, of what decides how it trains but for its images and `start_from`; `recipe`, `seed`, `source`,
        `image_count` (None where it was not noted), `excluded` (entries of its `exclude`), `start_from`, `legs`,
        `value_range`, `trained_with`, the versions, and `results`, see `results_facts`, of the encoder that
        the run has now; none for a file of another.

    Raises:
        InputError: for a run or results that cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        run = load_run(path)
        return {**_of_run(run), "results": results_facts(current_results(run))}
    facts = {"file": printable(path.name), "sha256": sha256_of(path)}
    run = run_of(path)
    if run is None:
        return facts
    # Another file of the run is another encoder than the one that was measured.
    measured = current_results(run) if facts["sha256"] == run.encoder_sha256 else []
    return {**_of_run(run), **facts, "results": results_facts(measured)}


def _of_run(run: Run) -> dict:
    return {
        "run": printable(run.folder.resolve().name),
        "checksum": run.checksum(),
        "recipe": dataclasses.asdict(run.recipe),
        "seed": run.seed,
        "source": last_part(run.data),
        "image_count": run.image_count,
        "excluded": len(run.exclude),
        "start_from": None if run.start_from is None else last_part(run.start_from),
        "legs": list(run.legs),
        "value_range": run.value_range,
        "trained_with": _versions(run),
    }


def _versions(run: Run) -> dict:
    """Of byol_keras, Keras and TensorFlow when the run was begun; empty where they were not noted."""
    versions = json.loads(read_text_file(run.folder / "config.json")).get("versions")
    return versions if isinstance(versions, dict) else {}


def results_facts(results: Iterable[Result]) -> list[dict]:
    """Of each result `task`, `metric`, `data`, `method`, `value` and `others`, the means of all scores."""
    return list(map(_means, results))


def _means(result):
    (method, value), *others = ((name, _mean(scores)) for name, scores in result.scores.items())
    data = " -> ".join(map(last_part, result.data.split(" -> ")))
    about = {"task": result.task, "metric": result.metric, "data": data}
    return {**about, "method": method, "value": value, "others": dict(others)}


def _mean(scores: list[float]) -> float | None:
    mean = float(np.mean(scores)) if scores else math.nan
    return mean if math.isfinite(mean) else None  # JSON has no NaN


def last_part(data: str) -> str:
    """The name of a folder or file, without where it lies; `tfds:NAME` as it is."""
    return data if data.startswith("tfds:") else printable(Path(data).name)

"""A detector in a folder of a run: detector.weights.h5, and detector.json with what the run does not say."""

import json
import math
import os
from pathlib import Path

from ..errors import InputError, first_line
from ..models.model_file import check_finite
from ..tasks.detection.detector import Detector
from ..tasks.detection.model import build_retinanet
from ..utils.atomic import atomic_path, remove_file
from ..utils.text_file import read_text_file
from .build import build_encoder
from .run import Run
from .run_config import load_run


def save_detector(detector: Detector, run: Run, name: str = "detection") -> Path:
    """Writes RUN/NAME/detector.weights.h5 and detector.json, over older ones.

    Args:
        detector: `Detector`, its encoder that of the run or one with the same layers and normalization.
        run: `Run`.
        name: of the folder, see `Run.task_path`.

    Returns:
        Path of the folder.
    """
    folder = run.task_path(name)
    # Never new weights beside an old description: without one the folder is no detector.
    remove_file(folder / "detector.json")
    with atomic_path(folder / "detector.weights.h5") as path:
        detector.network.save_weights(path)
    height, width = detector.letterbox
    description = {
        "height": height,
        "width": width,
        "smallest_anchor": detector.smallest_anchor,
        "class_names": list(detector.class_names),
    }
    with atomic_path(folder / "detector.json") as path:
        path.write_text(json.dumps(description, indent=2) + "\n")
    return folder


def load_detector(folder: str | os.PathLike, name: str = "detection") -> Detector:
    """The detector that `byol-keras detect` left in a run.

    Args:
        folder: the run.
        name: "detection", or "detection-10pct" and so on for a detector trained on a share of the labels.

    Returns:
        `Detector`.

    Raises:
        InputError: where there is none, or its files do not belong together.

    Example:
        detector = bk.load_detector("runs/street")
        boxes = detector.detect(bk.data.open_source("street/new"))
    """
    run = load_run(folder)
    path = run.task_path(name) / "detector.json"
    weights = path.with_name("detector.weights.h5")
    if not path.is_file() or not weights.is_file():
        raise InputError(f"{path.parent} has no detector: `byol-keras detect` makes one.")
    description = _description(path)
    encoder = build_encoder(run)
    network = build_retinanet(encoder, len(description["class_names"]), description["smallest_anchor"])
    try:
        network.load_weights(weights)
    except Exception as error:  # On a damaged file h5py and Keras raise nearly anything.
        raise InputError(f"{weights} does not belong to {path}: {first_line(error)}") from error
    check_finite(network, weights)
    letterbox = (description["height"], description["width"])
    return Detector(network, encoder, letterbox, tuple(description["class_names"]), description["smallest_anchor"])


def _description(path):
    """The dict that `save_detector` wrote."""
    text = read_text_file(path)
    try:
        description = json.loads(text)
        whole, above_0 = (description["height"], description["width"]), description["smallest_anchor"]
        names = description["class_names"]
        right = all(type(value) is int and value > 0 for value in whole) and 0 < float(above_0) < math.inf
        right = right and isinstance(names, list) and names and all(isinstance(name, str) for name in names)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as the description of a detector: {first_line(error)}") from error
    if not right:
        raise InputError(f"{path} cannot be read as the description of a detector: a value is none that it can have.")
    return {**description, "smallest_anchor": float(above_0)}

"""The classifier of a run: RUN/classifier/ with classifier.keras and classes.json."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from ..errors import InputError, first_line
from ..utils.atomic import atomic_path


def write_classifier(
    folder: str | os.PathLike, classifier: keras.Model, class_names: Sequence[str], about: dict
) -> None:
    """Writes FOLDER/classifier.keras and FOLDER/classes.json, over older ones.

    Args:
        folder: `Run.classifier_path`.
        classifier: as `tasks.classification.finetune_classifier` gives it.
        class_names: of the K classes.
        about: how it came about: what it was trained on, settings.
    """
    folder = Path(folder)
    names, model = folder / "classes.json", folder / "classifier.keras"
    # Never a new model beside old names: without names the folder is no classifier.
    names.unlink(missing_ok=True)
    with atomic_path(model) as path:
        classifier.save(path)
    with atomic_path(names) as path:
        path.write_text(json.dumps({"class_names": list(class_names), **about}, indent=2) + "\n")


def read_classifier(folder: str | os.PathLike) -> tuple[keras.Model, tuple[str, ...]]:
    """The classifier in `folder`.

    Args:
        folder: `Run.classifier_path`.

    Returns:
        keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, K) probabilities; and the K class names.

    Raises:
        InputError: where there is none, or it cannot be read.
    """
    folder = Path(folder)
    names, model = folder / "classes.json", folder / "classifier.keras"
    if not names.is_file() or not model.is_file():
        raise InputError(f"{folder.parent} has no classifier yet: `byol-keras finetune` makes one.")
    try:
        class_names = tuple(json.loads(names.read_text())["class_names"])
        classifier = keras.models.load_model(model)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{folder} cannot be read as a classifier: {first_line(error)}") from error
    if classifier.output_shape[1:] != (len(class_names),):
        raise InputError(
            f"{names} has {len(class_names)} names for a classifier of {classifier.output_shape[-1]} classes: "
            "run `byol-keras finetune` again."
        )
    return classifier, class_names


def parts(classifier: keras.Model) -> tuple[keras.Model, list[np.ndarray]]:
    """The encoder of a classifier, and the weights (D, K) and bias (K,) of the linear layer on it."""
    _, encoder, logits, _ = classifier.layers
    return encoder, logits.get_weights()

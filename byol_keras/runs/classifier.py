"""The classifier of a run: RUN/classifier/ with classifier.keras and classes.json."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from ..errors import InputError, first_line
from ..models.fingerprint import SHOWN, fingerprint
from ..models.model_file import read_model
from ..utils.atomic import atomic_path, remove_file
from ..utils.text_file import read_text_file
from .training_facts import last_part


def write_classifier(
    folder: str | os.PathLike, classifier: keras.Model, class_names: Sequence[str], about: dict
) -> None:
    """Writes FOLDER/classifier.keras and FOLDER/classes.json, over older ones.

    Beside the names stands the fingerprint of the encoder within, by which `read_classifier` knows the model.

    Args:
        folder: `Run.classifier_path`.
        classifier: as `tasks.classification.finetune_classifier` gives it.
        class_names: of the K classes.
        about: how it came about: what it was trained on, settings.
    """
    folder = Path(folder)
    names, model = folder / "classes.json", folder / "classifier.keras"
    # Never a new model beside old names: without names the folder is no classifier.
    remove_file(names)
    with atomic_path(model) as path:
        classifier.save(path)
    with atomic_path(names) as path:
        made = {"class_names": list(class_names), "encoder": fingerprint(parts(classifier)[0]), **about}
        path.write_text(json.dumps(made, indent=2) + "\n")


def read_classifier(folder: str | os.PathLike) -> tuple[keras.Model, tuple[str, ...]]:
    """The classifier in `folder`.

    Args:
        folder: `Run.classifier_path`.

    Returns:
        keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, K) probabilities; and the K class names.

    Raises:
        InputError: where there is none, it cannot be read, or the names are of another model.
    """
    folder = Path(folder)
    names, model = folder / "classes.json", folder / "classifier.keras"
    if not names.is_file() or not model.is_file():
        raise InputError(f"{folder.parent} has no classifier yet: `byol-keras finetune` makes one.")
    class_names = _class_names(names)
    made_by = _read(names).get("encoder")
    classifier = read_model(model, "a classifier")
    if not _has_parts(classifier):
        raise InputError(f"{model} is not a classifier that `byol-keras finetune` wrote: it has other layers.")
    if classifier.output_shape[1:] != (len(class_names),):
        raise InputError(
            f"{names} has {len(class_names)} names for a classifier of {classifier.output_shape[-1]} classes: "
            "run `byol-keras finetune` again."
        )
    # Classifiers of before fingerprints have none: the model brings its encoder along, so they are taken as they are.
    if made_by is not None and made_by != (own := fingerprint(parts(classifier)[0])):
        raise InputError(
            f"{names} belongs to another model than {model}: run `byol-keras finetune` again. "
            f"Received: names for encoder {made_by!s:.{SHOWN}}, the model has {own[:SHOWN]}"
        )
    return classifier, class_names


def classifier_facts(folder: str | os.PathLike) -> dict:
    """How the classifier in `folder` came about, for the files that ship.

    Args:
        folder: `Run.classifier_path`.

    Returns:
        dict: `train`, the name of its labeled images, `training_images`, `seed`, `command`, and `pretrained_encoder`,
        the fingerprint of the encoder that was fine-tuned; None for what was not noted.

    Raises:
        InputError: where its classes.json cannot be read.
    """
    about = _read(Path(folder) / "classes.json")
    train = about.get("train")
    facts = {name: about.get(name) for name in ("training_images", "seed", "command", "pretrained_encoder")}
    return {"train": last_part(train) if isinstance(train, str) else None, **facts}


def _class_names(path):
    class_names = _read(path)["class_names"]
    if not isinstance(class_names, list) or not all(isinstance(name, str) for name in class_names):
        raise InputError(f"{path.parent} cannot be read as a classifier: `class_names` is not a list of names.")
    return tuple(class_names)


def _read(path):
    """The object in classes.json, which has `class_names`."""
    text = read_text_file(path)
    try:
        about = json.loads(text)
        _ = about["class_names"]
        return dict(about)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{path.parent} cannot be read as a classifier: {first_line(error)}") from error


def _has_parts(classifier):
    """Whether the layers are those of `tasks.classification.build_classifier`."""
    kinds = (keras.layers.InputLayer, keras.Model, keras.layers.Dense, keras.layers.Softmax)
    return len(classifier.layers) == len(kinds) and all(map(isinstance, classifier.layers, kinds))


def parts(classifier: keras.Model) -> tuple[keras.Model, list[np.ndarray]]:
    """The encoder of a classifier, and the weights (D, K) and bias (K,) of the linear layer on it."""
    _, encoder, logits, _ = classifier.layers
    return encoder, logits.get_weights()

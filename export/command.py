"""What `byol-keras export` does."""

from pathlib import Path

import numpy as np

from byol_keras.data import open_source
from byol_keras.data.pipelines import ordered_batches
from byol_keras.embedding import load_encoder
from byol_keras.run import read_run

from .parity import check, require, table, write_json
from .saved_model import next_version, saved_model
from .tflite import tflite

PICTURES_TO_CHECK = 64
PICTURES_TO_CALIBRATE = 256


def export_run(folder, out, format="all", quantize="none", calibration=None):
    """Exports a run's encoder, compares each file with Keras in a fresh process, and prints the table.

    Args:
        folder: the run, or a .keras file of an encoder.
        out: folder; gets encoder/VERSION/ (a SavedModel), encoder.tflite and parity.json.
        format: "saved_model", "tflite" or "all".
        quantize: "none", "float16", "dynamic" or "int8", for the .tflite.
        calibration: SOURCE of the pictures for int8 and for the comparison; by default those the run was trained on.

    Returns:
        list of `Parity`.

    Raises:
        InputError: for a mistake in what was passed.
        ParityError: where a file differs from Keras by more than its format may.
    """
    encoder = load_encoder(folder)
    pictures = open_source(calibration or read_run(folder).source)
    images = sample(pictures, encoder.input_shape[1], PICTURES_TO_CALIBRATE)
    artifacts = {}
    if format in ("saved_model", "all"):
        versions = Path(out) / "encoder"
        path = saved_model(encoder, versions / str(next_version(versions)))
        artifacts[f"encoder/{path.name}"] = path
    if format in ("tflite", "all"):
        suffix = "" if quantize == "none" else f"-{quantize}"
        seen = images if quantize == "int8" else None
        path = tflite(encoder, Path(out) / f"encoder{suffix}.tflite", quantize=quantize, calibration=seen)
        artifacts[path.name] = path
    parities = check(encoder, artifacts, images[:PICTURES_TO_CHECK])
    print(table(parities))
    print(f"Compared with Keras on {min(len(images), PICTURES_TO_CHECK)} pictures. Written to {out}")
    write_json(parities, Path(out) / "parity.json")
    require(parities)
    return parities


def sample(pictures, image_size, count):
    """At most `count` pictures, evenly taken, as the encoder gets them: (n, S, S, C) uint8."""
    indices = np.linspace(0, len(pictures) - 1, min(count, len(pictures))).astype(int)
    batches = ordered_batches(pictures.subset(indices), image_size)
    return np.concatenate([np.round(np.asarray(batch) * 255).astype(np.uint8) for batch in batches])

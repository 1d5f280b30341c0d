"""Exported files that take samples against Keras: the same sounds, each file in a fresh process without Keras."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from byol_keras.errors import InputError

from ..encoder import encode
from ..formats.sound_files import sound_model
from ..formats.tflite_schema import quantization
from .comparison import BATCH, compare_embeddings
from .fresh_process import run_isolated
from .parity import Parity
from .tolerance import tells_apart


def check_sound_parity(encoder: keras.Model, artifacts: Mapping[str, Path], samples: np.ndarray) -> list[Parity]:
    """Compares files of an encoder of recordings with Keras, front end included.

    Args:
        encoder: that was exported.
        artifacts: for each name the version folder of a SavedModel, or a .tflite file.
        samples: (N, n) float32 in [-1, 1], N from 2, real and different sounds.

    Returns:
        One `Parity` per file.

    Raises:
        InputError: if Keras gives every sound the same embedding, or values that are not finite.
        ParityError: if a file does not run.
    """
    model = sound_model(encoder)
    with tf.device("CPU:0"):
        blocks = [encode(model, tf.constant(samples[i : i + BATCH])) for i in range(0, len(samples), BATCH)]
    reference = np.concatenate(blocks)
    if not tells_apart(reference):
        raise InputError(
            "parity: the encoder gives values that are not finite, or every sound the same embedding. Train it again, "
            f"or give different ones. Received: encoder={encoder.name}, samples={samples.shape}"
        )
    parities = []
    for name, path in artifacts.items():
        is_tflite = path.is_file()
        runner = "run_sound_tflite.py" if is_tflite else "run_sound_saved_model.py"
        with tempfile.TemporaryDirectory() as folder:
            given, out = Path(folder) / "samples.npy", Path(folder) / "out.npz"
            np.save(given, samples)
            run_isolated(f"{name}: {path}", Path(__file__).parent / "runners" / runner, (path.resolve(), given, out))
            with np.load(out) as saved:
                outcome = dict(saved)
        kind = f"tflite {quantization(path.read_bytes())}" if is_tflite else "saved_model"
        parities.append(compare_embeddings(name, kind, path, outcome, reference))
    return parities

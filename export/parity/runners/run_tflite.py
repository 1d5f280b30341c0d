"""Embed images with a .tflite file, where neither TensorFlow nor Keras is needed.

    python -P run_tflite.py MODEL IMAGES.npy OUT.npz

IMAGES.npy: float32 (N, H, W, C) in [0, 1], of the model's size. OUT.npz: see `runner.run`. Where the file gives scores
alone, they stand in place of the embeddings.
The model is run by device/byol_device.py, the file that devices use. Needs what that needs: numpy, Pillow and
ai-edge-litert.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "device"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

runner.block("tensorflow", "keras", "byol_keras")

import numpy as np  # noqa: E402
from byol_device import DeviceError, Encoder  # noqa: E402


def load(model: str) -> runner.Functions:
    encoder = Encoder(model)

    def classify(images: np.ndarray):
        scores = encoder.run(images, "scores")
        return np.array(encoder.labels)[scores.argmax(axis=1)], scores.max(axis=1)

    def embed(images: np.ndarray) -> np.ndarray:
        return encoder.run(images, "embedding" if encoder.dimension else "scores")

    return embed, classify if encoder.labels else None


if __name__ == "__main__":
    try:
        runner.run(load)
    except DeviceError as error:
        sys.exit(f"run_tflite: {error}")

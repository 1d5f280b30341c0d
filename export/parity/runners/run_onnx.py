"""Embed images with an ONNX file, where neither TensorFlow nor Keras is needed.

    python -P run_onnx.py MODEL IMAGES.npy OUT.npz

IMAGES.npy: float32 (N, H, W, C) in [0, 1], of the model's size. OUT.npz: see `runner.run`.
Needs numpy and onnxruntime only.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

runner.block("tensorflow", "keras", "byol_keras")

import onnxruntime  # noqa: E402


def load(model: str) -> runner.Functions:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    return lambda images: session.run(None, {source.name: images})[0], None


if __name__ == "__main__":
    runner.run(load)

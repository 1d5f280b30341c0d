"""Embed images with an OpenVINO model, where neither TensorFlow nor Keras is needed.

    python -P run_openvino.py MODEL.xml IMAGES.npy OUT.npz

IMAGES.npy: float32 (N, H, W, C) in [0, 1], of the model's size. OUT.npz: see `runner.run`.
It computes in float32; left alone, OpenVINO takes bfloat16 where the CPU has units for it, quicker and coarser.
Needs numpy and openvino only.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

runner.block("tensorflow", "keras", "byol_keras")  # OpenVINO takes TensorFlow along where it finds it

import numpy as np  # noqa: E402
import openvino  # noqa: E402


def load(model: str) -> runner.Functions:
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    return lambda images: np.array(request.infer({0: images})[0]), None


if __name__ == "__main__":
    runner.run(load)

"""Embed sounds with a .tflite file, where neither TensorFlow nor Keras is needed.

    python -P run_sound_tflite.py MODEL SAMPLES.npy OUT.npz

SAMPLES.npy: float32 (N, n) in [-1, 1]. OUT.npz: see `runner.run`.
Needs numpy and ai-edge-litert only.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

runner.block("tensorflow", "keras", "byol_keras")

import numpy as np  # noqa: E402
from ai_edge_litert.interpreter import Interpreter  # noqa: E402


def load(model: str) -> runner.Functions:
    embed_one = Interpreter(model).get_signature_runner("serving_default")

    def embed(samples: np.ndarray) -> np.ndarray:
        return np.concatenate([embed_one(samples=one[None])["embedding"] for one in samples])

    return embed, None


if __name__ == "__main__":
    runner.run(load)

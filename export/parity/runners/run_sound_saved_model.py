"""Embed sounds with a SavedModel, where neither Keras nor byol_keras is needed.

    python -P run_sound_saved_model.py MODEL SAMPLES.npy OUT.npz

MODEL: the version folder. SAMPLES.npy: float32 (N, n) in [-1, 1]. OUT.npz: see `runner.run`.
Needs numpy and tensorflow only.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

runner.block("keras", "tf_keras", "byol_keras")  # `import tensorflow` imports Keras by itself where it finds it

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def load(model: str) -> runner.Functions:
    loaded = tf.saved_model.load(model)

    def embed(samples: np.ndarray, _loaded=loaded):  # whose variables live only as long as it
        return loaded.signatures["serving_default"](samples=tf.constant(samples))["embedding"].numpy()

    return embed, None


if __name__ == "__main__":
    runner.run(load)

"""Embed images with a SavedModel, where neither Keras nor byol_keras is needed.

    python -P run_saved_model.py MODEL IMAGES.npy OUT.npz

MODEL: the version folder. IMAGES.npy: uint8 (N, H, W, C). OUT.npz: see `runner.run`; the classes are those of the
signature `classify`.
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
    signature = loaded.signatures["serving_default"]
    spec = signature.structured_input_signature[1]["images"]

    def embed(images: np.ndarray, _loaded=loaded):  # whose variables live only as long as it
        if images.dtype != np.uint8 or not spec.shape.is_compatible_with(images.shape):
            sys.exit(f"run_saved_model: the images must be uint8 {spec.shape}. Received: {images.dtype} {images.shape}")
        pixels = images / np.float32(255) if spec.dtype == tf.float32 else images
        return signature(images=tf.constant(pixels))["embedding"].numpy()

    def classify(images: np.ndarray):
        files = tf.stack([tf.io.encode_png(image) for image in images])
        predictions = loaded.signatures["classify"](image_bytes=files)
        labels = [label.decode() for label in predictions["labels"][:, 0].numpy()]
        return np.array(labels), predictions["scores"][:, 0].numpy()

    return embed, classify if "classify" in loaded.signatures else None


if __name__ == "__main__":
    runner.run(load)

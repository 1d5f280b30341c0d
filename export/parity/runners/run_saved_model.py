"""Embed images with a SavedModel, where neither Keras nor byol_keras is needed.

    python -I run_saved_model.py MODEL IMAGES.npy OUT.npz

MODEL: the version folder. IMAGES.npy: uint8 (N, H, W, C). OUT.npz: `embedding` float32 (N, D); `load_ms`, the time to
open the model; `latency_ms`, the median time for one image after warm-up. Both in milliseconds. Of a classifier also
`labels` (N,) and `scores` (N,), its first answers, by the signature `classify`.
Needs numpy and tensorflow only.
"""

import os
import statistics
import sys
import time

# `import tensorflow` imports Keras by itself where it finds it. None in sys.modules makes every import of these fail,
# as where they are not installed.
ABSENT = ("keras", "tf_keras", "byol_keras")
for name in ABSENT:
    sys.modules[name] = None

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

BATCH = 32
WARM_UP, TIMED = 5, 30


def main(model: str, images_path: str, out_path: str) -> None:
    images = np.load(images_path)
    start = time.perf_counter()
    loaded = tf.saved_model.load(model)
    load_ms = 1000 * (time.perf_counter() - start)

    signature = loaded.signatures["serving_default"]
    expected = signature.structured_input_signature[1]["images"].shape
    if images.dtype != np.uint8 or not expected.is_compatible_with(images.shape):
        sys.exit(
            f"run_saved_model: the images must be uint8 {expected}. "
            f"Received: {images_path} with {images.dtype} {images.shape}"
        )
    pixels = images
    if signature.structured_input_signature[1]["images"].dtype == tf.float32:
        images = images / np.float32(255)
    starts = range(0, len(images), BATCH)
    batches = [tf.constant(images[i : i + BATCH]) for i in starts]
    embedding = np.concatenate([signature(images=batch)["embedding"].numpy() for batch in batches])

    answers = {}
    if "classify" in loaded.signatures:
        files = [tf.stack([tf.io.encode_png(image) for image in pixels[i : i + BATCH]]) for i in starts]
        given = [loaded.signatures["classify"](image_bytes=batch) for batch in files]
        answers["labels"] = np.array([label.decode() for batch in given for label in batch["labels"][:, 0].numpy()])
        answers["scores"] = np.concatenate([batch["scores"][:, 0].numpy() for batch in given])

    one, times = tf.constant(images[:1]), []
    for _ in range(WARM_UP + TIMED):
        start = time.perf_counter()
        signature(images=one)["embedding"].numpy()
        times.append(1000 * (time.perf_counter() - start))
    latency_ms = statistics.median(times[WARM_UP:])

    needed = [name for name, module in sys.modules.items() if name.split(".")[0] in ABSENT and module is not None]
    if needed:
        sys.exit(f"run_saved_model: the model must run without {', '.join(sorted(needed))}, which something imported")
    with open(out_path + ".part", "wb") as file:
        np.savez(file, embedding=embedding, load_ms=load_ms, latency_ms=latency_ms, **answers)
    os.replace(out_path + ".part", out_path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -I run_saved_model.py MODEL IMAGES.npy OUT.npz")
    main(*sys.argv[1:])

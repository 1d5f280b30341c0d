"""Embed images with a .tflite file, where neither TensorFlow nor Keras is needed.

    python -I run_tflite.py MODEL IMAGES.npy OUT.npz

IMAGES.npy: float32 (N, H, W, C) in [0, 1], of the model's size. OUT.npz: `embedding` float32 (N, D); `load_ms`, the
time to open the model; `latency_ms`, the median time for one image after warm-up. Both in milliseconds.
Needs numpy and ai-edge-litert only, and fails if anything imported TensorFlow, Keras or byol_keras.
"""

import os
import statistics
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

WARM_UP, TIMED = 5, 30


def main(model: str, images_path: str, out_path: str) -> None:
    images = np.load(images_path)
    start = time.perf_counter()
    interpreter = Interpreter(model)
    interpreter.allocate_tensors()
    load_ms = 1000 * (time.perf_counter() - start)

    details = interpreter.get_input_details()[0]
    expected = tuple(int(size) for size in details["shape"][1:])
    if images.dtype != np.float32 or images.shape[1:] != expected:
        sys.exit(
            f"run_tflite: the images must be float32 (N, {', '.join(map(str, expected))}) in [0, 1]. "
            f"Received: {images_path} with {images.dtype} {images.shape}"
        )
    signature = interpreter.get_signature_runner("serving_default")
    embedding = np.concatenate([signature(images=image[None])["embedding"] for image in images])

    times = []
    for _ in range(WARM_UP + TIMED):
        start = time.perf_counter()
        signature(images=images[:1])
        times.append(1000 * (time.perf_counter() - start))
    latency_ms = statistics.median(times[WARM_UP:])

    if needed := {"tensorflow", "keras", "byol_keras"} & sys.modules.keys():
        sys.exit(f"run_tflite: the model must run without {', '.join(sorted(needed))}, which something imported")
    with open(out_path + ".part", "wb") as file:
        np.savez(file, embedding=embedding, load_ms=load_ms, latency_ms=latency_ms)
    os.replace(out_path + ".part", out_path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -I run_tflite.py MODEL IMAGES.npy OUT.npz")
    main(*sys.argv[1:])

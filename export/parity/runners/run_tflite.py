"""Embed images with a .tflite file, where neither TensorFlow nor Keras is needed.

    python -I run_tflite.py MODEL IMAGES.npy OUT.npz

IMAGES.npy: float32 (N, H, W, C) in [0, 1], of the model's size. OUT.npz: `embedding` float32 (N, D); `load_ms`, the
time to open the model; `latency_ms`, the median time for one image after warm-up. Both in milliseconds. Of a
classifier also `labels` (N,) and `scores` (N,), its first answers.
The model is run by device/byol_device.py, the file that devices use. Fails if anything imported TensorFlow, Keras or
byol_keras.
"""

import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "device"))  # -I leaves out the script's own folder

from byol_device import DeviceError, Encoder

WARM_UP, TIMED = 5, 30


def main(model: str, images_path: str, out_path: str) -> None:
    images = np.load(images_path)
    start = time.perf_counter()
    encoder = Encoder(model)
    load_ms = 1000 * (time.perf_counter() - start)
    embedding = encoder.run(images)
    answers = {}
    if encoder.labels:
        scores = encoder.run(images, "scores")
        answers = {"labels": np.array(encoder.labels)[scores.argmax(axis=1)], "scores": scores.max(axis=1)}

    times = []
    for _ in range(WARM_UP + TIMED):
        start = time.perf_counter()
        encoder.run(images[:1])
        times.append(1000 * (time.perf_counter() - start))
    latency_ms = statistics.median(times[WARM_UP:])

    if needed := {"tensorflow", "keras", "byol_keras"} & sys.modules.keys():
        sys.exit(f"run_tflite: the model must run without {', '.join(sorted(needed))}, which something imported")
    with open(out_path + ".part", "wb") as file:
        np.savez(file, embedding=embedding, load_ms=load_ms, latency_ms=latency_ms, **answers)
    os.replace(out_path + ".part", out_path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -I run_tflite.py MODEL IMAGES.npy OUT.npz")
    try:
        main(*sys.argv[1:])
    except DeviceError as error:
        sys.exit(f"run_tflite: {error}")

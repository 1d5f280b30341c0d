"""Embed images with an OpenVINO model, where neither TensorFlow nor Keras is needed.

    python -I run_openvino.py MODEL.xml IMAGES.npy OUT.npz

IMAGES.npy: float32 (N, H, W, C) in [0, 1], of the model's size. OUT.npz: `embedding` float32 (N, D); `load_ms`, the
time to open the model; `latency_ms`, the median time for one image after warm-up. Both in milliseconds.
It computes in float32; left alone, OpenVINO takes bfloat16 where the CPU has units for it, quicker and coarser.
Needs numpy and openvino only.
"""

import os
import statistics
import sys
import time

for name in ("tensorflow", "keras", "byol_keras"):  # OpenVINO takes TensorFlow along where it finds it
    sys.modules[name] = None

import numpy as np  # noqa: E402
import openvino  # noqa: E402

BATCH = 32
WARM_UP, TIMED = 5, 30


def main(model: str, images_path: str, out_path: str) -> None:
    images = np.load(images_path)
    start = time.perf_counter()
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    load_ms = 1000 * (time.perf_counter() - start)

    request = compiled.create_infer_request()
    batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
    embedding = np.concatenate([np.array(request.infer({0: batch})[0]) for batch in batches])

    times = []
    for _ in range(WARM_UP + TIMED):
        start = time.perf_counter()
        request.infer({0: images[:1]})
        times.append(1000 * (time.perf_counter() - start))
    with open(out_path + ".part", "wb") as file:
        np.savez(file, embedding=embedding, load_ms=load_ms, latency_ms=statistics.median(times[WARM_UP:]))
    os.replace(out_path + ".part", out_path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python -I run_openvino.py MODEL.xml IMAGES.npy OUT.npz")
    main(*sys.argv[1:])

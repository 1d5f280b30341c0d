"""Measure how fast one exported file runs; called in a fresh process for each.

    python worker.py KIND MODEL IMAGES.npy THREADS SECONDS OUT.json

KIND: keras (a .keras file), saved_model, tflite, onnx, or torch (an ONNX file, run by PyTorch). IMAGES.npy: float32
(N, H, W, C) in [0, 1], N the batch. OUT.json: `load_ms`, time from the file to a network ready to run, imports left
out; `single_ms` and `batch_ms`, the times of calls with one image and with all, after warm-up; `runtime`, name and
version of what ran it.
"""

import functools
import importlib.metadata
import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np

WARM_UP = 5  # calls, and a fifth of the time
LEAST = 5  # timed calls, however long they take


def keras_model(path, threads):
    """The network as Keras runs it in a compiled function."""
    import tensorflow as tf

    _limit_tensorflow(tf, threads)
    import keras

    import byol_keras  # noqa: F401  registers its layers with Keras

    def load():
        model = keras.models.load_model(path, compile=False)
        function = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
        return lambda images: function(tf.constant(images)).numpy()

    return load, f"Keras {keras.__version__}"


def saved_model(path, threads):
    """A SavedModel, called as TensorFlow Serving calls it, with uint8."""
    for name in ("keras", "tf_keras", "byol_keras"):
        sys.modules[name] = None  # `import tensorflow` would import Keras, which costs memory and serves nothing here
    import tensorflow as tf

    _limit_tensorflow(tf, threads)

    def load():
        loaded = tf.saved_model.load(path)
        signature = loaded.signatures["serving_default"]

        def run(images, _keep=loaded):
            return signature(images=tf.constant(images))["embedding"].numpy()

        return run

    return load, f"TensorFlow {tf.__version__}"


def tflite(path, threads):
    """A .tflite file, through the runner for devices."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "device"))
    from byol_device import Encoder

    def load():
        return Encoder(path, threads).run

    return load, f"LiteRT {importlib.metadata.version('ai-edge-litert')}"


def onnx(path, threads):
    """An ONNX file in ONNX Runtime."""
    import onnxruntime

    def load():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda images: session.run(None, {name: images})[0]

    return load, f"ONNX Runtime {onnxruntime.__version__}"


def pytorch(path, threads):
    """An ONNX file converted for PyTorch, channels last, traced and frozen."""
    import torch
    from onnx2torch import convert

    torch.set_num_threads(threads)
    traced = path + ".torchscript"
    network = convert(path).eval().to(memory_format=torch.channels_last)
    shape = np.load(sys.argv[3], mmap_mode="r").shape[1:]
    with warnings.catch_warnings(), torch.inference_mode():
        # Tracing warns of the axes of a reduction, which are constants of the file.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.jit.save(torch.jit.trace(network, torch.zeros(2, *shape)), traced)

    @functools.cache
    def packed():
        return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.load(traced)))

    def load():
        frozen = torch.jit.freeze(torch.jit.load(traced))

        def run(images):
            # Weights packed for oneDNN: on the CPU measured, 13 % quicker for a batch, a third slower for one.
            network = frozen if len(images) == 1 else packed()
            with torch.inference_mode():
                return network(torch.from_numpy(images)).numpy()

        return run

    return load, f"torch {torch.__version__}"


KINDS = {"keras": keras_model, "saved_model": saved_model, "tflite": tflite, "onnx": onnx, "torch": pytorch}


def main(kind, path, images_path, threads, seconds, out):
    images = np.load(images_path)
    if kind == "saved_model":  # which takes the pixels themselves
        images = np.round(images * 255).astype(np.uint8)
    load, runtime = KINDS[kind](path, int(threads))
    start = time.perf_counter()
    run = load()
    load_ms = 1000 * (time.perf_counter() - start)
    result = {
        "load_ms": load_ms,
        "single_ms": _times(run, images[:1], float(seconds)),
        "batch_ms": _times(run, images, float(seconds)),
        "runtime": runtime,
    }
    Path(out + ".part").write_text(json.dumps(result))
    os.replace(out + ".part", out)


def _times(run, images, seconds):
    """Times of calls, milliseconds, for about so many seconds."""
    start = time.perf_counter()
    calls = 0
    while calls < WARM_UP or time.perf_counter() - start < seconds / 5:
        run(images)
        calls += 1
    times = []
    start = time.perf_counter()
    while len(times) < LEAST or time.perf_counter() - start < seconds:
        begun = time.perf_counter()
        run(images)
        times.append(1000 * (time.perf_counter() - begun))
    return times


def _limit_tensorflow(tf, threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit("usage: python worker.py KIND MODEL IMAGES.npy THREADS SECONDS OUT.json")
    main(*sys.argv[1:])

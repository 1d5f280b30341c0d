"""Measure how fast one exported file runs; started in a fresh process for each.

    python -P worker.py KIND MODEL IMAGES.npy THREADS SECONDS PACKAGES OUT.json

KIND: keras (a .keras file), saved_model, tflite, onnx, or torch (an ONNX file, run by PyTorch). IMAGES.npy: float32
(N, H, W, C) in [0, 1], N the batch. PACKAGES: the folder that byol_keras lies in. OUT.json: `load_ms`, time from the
file to a network ready to run, without the imports; `single_ms` and `batch_ms`, the times of calls with one image and
with all, after warm-up; `runtime`, name and version of what ran it.
"""

import functools
import importlib.metadata
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

EXPORT = Path(__file__).resolve().parents[1]
for folder in ("parity/runners", "device"):  # the shared timing loop, and the runner for devices; -P has neither
    sys.path.insert(0, str(EXPORT / folder))

import numpy as np  # noqa: E402
import runner  # noqa: E402

MIN_CALLS = 5  # that are timed, however long they take

# A function that loads the file and gives another, images -> what the network makes of them; and what runs it.
Runtime = tuple[Callable[[], Callable[[np.ndarray], np.ndarray]], str]


def keras_runtime(path: str, threads: int) -> Runtime:
    """The network as Keras runs it in a compiled function."""
    import tensorflow as tf

    _limit_tensorflow(tf, threads)
    import keras

    sys.path.append(sys.argv[6])
    import byol_keras  # noqa: F401  registers its layers with Keras

    def load():
        model = keras.models.load_model(path, compile=False)
        function = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
        return lambda images: function(tf.constant(images)).numpy()

    return load, f"Keras {keras.__version__}"


def saved_model_runtime(path: str, threads: int) -> Runtime:
    """A SavedModel, called as TensorFlow Serving calls it, with uint8 or what else it takes."""
    # `import tensorflow` would import Keras, which costs memory and serves nothing here.
    runner.block("keras", "tf_keras", "byol_keras")
    import tensorflow as tf

    _limit_tensorflow(tf, threads)

    def load():
        loaded = tf.saved_model.load(path)
        signature = loaded.signatures["serving_default"]
        takes = signature.structured_input_signature[1]["images"].dtype

        def run(images, _loaded=loaded):  # whose variables live only as long as it
            images = tf.constant(images) if takes == tf.uint8 else tf.cast(images, tf.float32) / 255
            return signature(images=images)["embedding"].numpy()

        return run

    return load, f"TensorFlow {tf.__version__}"


def tflite_runtime(path: str, threads: int) -> Runtime:
    """A .tflite file, through the runner for devices."""
    from byol_device import Encoder

    return lambda: Encoder(path, threads).run, f"LiteRT {importlib.metadata.version('ai-edge-litert')}"


def onnx_runtime(path: str, threads: int) -> Runtime:
    """An ONNX file in ONNX Runtime."""
    import onnxruntime

    def load():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda images: session.run(None, {name: images})[0]

    return load, f"ONNX Runtime {onnxruntime.__version__}"


def torch_runtime(path: str, threads: int) -> Runtime:
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


RUNTIMES = {
    "keras": keras_runtime,
    "saved_model": saved_model_runtime,
    "tflite": tflite_runtime,
    "onnx": onnx_runtime,
    "torch": torch_runtime,
}


def main(kind: str, path: str, images_path: str, threads: str, seconds: str, _packages: str, out: str) -> None:
    images = np.load(images_path)
    if kind == "saved_model":  # which takes the pixels themselves
        images = np.round(images * 255).astype(np.uint8)
    load, runtime = RUNTIMES[kind](path, int(threads))
    run, load_ms = runner.milliseconds(load)
    result = {
        "load_ms": load_ms,
        "single_ms": runner.call_times(lambda: run(images[:1]), MIN_CALLS, float(seconds)),
        "batch_ms": runner.call_times(lambda: run(images), MIN_CALLS, float(seconds)),
        "runtime": runtime,
    }
    Path(out + ".part").write_text(json.dumps(result))
    os.replace(out + ".part", out)


def _limit_tensorflow(tf, threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


if __name__ == "__main__":
    if len(sys.argv) != 8:
        sys.exit("usage: python -P worker.py KIND MODEL IMAGES.npy THREADS SECONDS PACKAGES OUT.json")
    main(*sys.argv[1:])

"""Every exported file in every runtime that is installed: how far it is from Keras, or that it is refused and why.

    .venv-clients/bin/python -m benchmarks.runtimes [--data DATA] [--encoder RUN]

`make test-clients` makes that environment, which has all of them; with another one what is missing is named. Without
--encoder a ResNet-18 at 96 px and EfficientNetB0 of keras.applications, of random weights whose batch norm has seen the
images; without --data rectangles on gradients. LiteRT's GPU accelerator needs a Vulkan driver; SwiftShader, which
emulates one, takes seconds for an image. What is slow gets few images: the cosine is over those.
"""

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np

import byol_keras as bk
from byol_keras.errors import InputError, ParityError
from byol_keras.export.encoder import encode
from byol_keras.export.parity.accelerator import gpu_embeddings, gpu_found
from byol_keras.export.parity.microcontroller import micro_embeddings
from byol_keras.export.parity.tolerance import centered_cosine
from byol_keras.export.source_images import sample_images
from byol_keras.utils.extras import has_extra
from byol_keras.utils.private_api import all_layers

from . import runtimes_browser, runtimes_served
from .tables import table, write

SIZE = 96
IMAGES = 64
SLOW = 4  # images where each takes seconds
QUANTIZE = ("none", "float16", "dynamic", "int8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="images: a folder, an .npz")
    parser.add_argument("--encoder", help="a run, instead of the two networks")
    options = parser.parse_args()
    if options.encoder:
        run = bk.load_run(options.encoder)
        encoders = [run.encoder]
        size = encoders[0].input_shape[1]
    else:
        encoders, size = [bk.resnet18(input_shape=(SIZE, SIZE, 3)), efficientnet()], SIZE
    images = sample_images(bk.data.open_source(options.data), size, IMAGES) if options.data else rectangles(size)
    absent = {name: why for name, why in missing_runtimes().items() if why}
    rows = []
    for encoder in encoders:
        if not options.encoder:
            settle(encoder, images)
        with tempfile.TemporaryDirectory() as folder:
            rows += [[encoder.name, *row] for row in compare(encoder, images, Path(folder), absent)]
    table(
        f"{len(images)} images of {size} px; largest difference from Keras, of its largest value",
        ["encoder", "file", "runtime", "largest", "cosine", "remark"],
        rows,
    )
    for name, why in absent.items():
        print(f"Left out: {name} ({why})")
    write("runtimes", {"rows": rows, "left out": absent})


def missing_runtimes():
    """What each runtime that not every machine has still needs here, None where nothing."""
    extras = {"MediaPipe": "mediapipe", "tflite-micro": "tflite_micro", "KServe": "kserve"}
    absent = {name: None if has_extra(module) else f"no {module}: make test-clients" for name, module in extras.items()}
    return {
        **absent,
        "LiteRT GPU": None if gpu_found() else "no Vulkan driver",
        "LiteRT.js WASM": runtimes_browser.missing("wasm"),
        "LiteRT.js WebGPU": runtimes_browser.missing("webgpu"),
        "MediaPipe web": runtimes_browser.missing(),
    }


def compare(encoder, images, folder, absent):
    """Rows of file, runtime, largest, cosine, and a remark: why it was refused, or that not all of it ran there."""
    pixels = images / np.float32(255)
    reference = np.concatenate([encode(encoder, batch).numpy() for batch in np.array_split(pixels, 8)])
    rows = []

    def add(*row):
        rows.append([*row])
        print(encoder.name, *row, sep=", ", flush=True)  # it takes minutes to the next one

    def tried(name, runtime, embed):
        if runtime in absent:
            return
        try:
            result = embed()
        except (ParityError, InputError, ValueError, RuntimeError, AssertionError) as error:
            add(name, runtime, "", "", f"refused: {reason(error)}")
            return
        embedding, remark = result if isinstance(result, tuple) else (result, "")
        embedding = np.asarray(embedding, np.float32)
        if not len(embedding):
            add(name, runtime, "", "", "refused: does not compile there")
            return
        largest = np.abs(embedding - reference[: len(embedding)]).max() / np.abs(reference).max()
        add(name, runtime, float(largest), centered_cosine(embedding, reference), remark)

    def checked(name, runtime, write_file):
        try:
            (parity,) = bk.export.check_parity(encoder, {name: write_file()}, images)
        except (ParityError, InputError) as error:
            add(name, runtime, "", "", f"refused: {reason(error)}")
            return
        add(name, runtime, parity.largest, parity.cosine, "")

    model = bk.export.saved_model(encoder, folder / "1")
    checked("SavedModel", "TensorFlow", lambda: model)
    tried("SavedModel", "TensorFlow C API", lambda: runtimes_served.c_api(model, images, folder / "c"))
    tried("SavedModel", "KServe", lambda: runtimes_served.kserve(model, images, folder))
    checked("ONNX", "ONNX Runtime", lambda: bk.export.onnx(encoder, folder / "encoder.onnx"))
    checked("OpenVINO", "OpenVINO", lambda: bk.export.openvino(encoder, folder / "encoder.xml"))
    for quantize in QUANTIZE:
        name, path = f"tflite {quantize}", folder / f"{quantize}.tflite"
        bk.export.tflite(encoder, path, quantize=quantize, calibration=images)
        for runtime, embed in tflite_runtimes(name, path, images, pixels).items():
            tried(name, runtime, embed)
    return rows


def tflite_runtimes(name, path, images, pixels):
    """For each runtime of a .tflite file a function without arguments that gives embeddings, and a remark or none."""
    return {
        "LiteRT CPU": lambda: litert(path, pixels),
        "LiteRT GPU": lambda: gpu_embeddings(name, path, pixels[:SLOW]),
        "LiteRT.js WASM": lambda: (runtimes_browser.litert_js(path, images, "wasm")[0], ""),
        "LiteRT.js WebGPU": lambda: webgpu(path, images[:SLOW]),
        "MediaPipe": lambda: mediapipe(path, images),
        "MediaPipe web": lambda: runtimes_browser.mediapipe_web(path, images),
        "tflite-micro": lambda: micro_embeddings(path, pixels[:SLOW])[0],
    }


def webgpu(path, images):
    embeddings, accelerated = runtimes_browser.litert_js(path, images, "webgpu")
    return embeddings, "" if accelerated else "in part on the CPU"


def reason(error):
    """The last words of an error, as short as a table wants them."""
    return " ".join(str(error).split()).rpartition("): ")[2][-60:]


def litert(path, pixels):
    from byol_keras.export.device.byol_device import Encoder

    return Encoder(path).run(pixels)


def mediapipe(path, images):
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageEmbedderOptions(base_options=BaseOptions(model_asset_path=str(path)))
    with vision.ImageEmbedder.create_from_options(options) as embedder:
        frames = [mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image) for image in images]
        return [embedder.embed(frame).embeddings[0].embedding for frame in frames]


def efficientnet():
    """keras.applications' EfficientNetB0, which takes pixels from 0 to 255, for images in [0, 1]."""
    network = keras.applications.EfficientNetB0(
        input_shape=(SIZE, SIZE, 3), weights=None, include_top=False, pooling="avg"
    )
    inputs = keras.Input((SIZE, SIZE, 3))
    return keras.Model(inputs, network(keras.layers.Rescaling(255.0)(inputs)), name="EfficientNetB0")


def settle(encoder, images):
    """Lets batch norm see the images a few times, at a momentum that forgets the statistics it began with."""
    layers = [layer for layer in all_layers(encoder) if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.momentum = 0.5
    for batch in np.array_split(images, 8):
        encoder(batch / np.float32(255), training=True)


def rectangles(size):
    """uint8 (IMAGES, size, size, 3): gradients, each with three rectangles of other colors."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j][..., None]
    images = []
    for _ in range(IMAGES):
        slopes = generator.uniform(-0.5, 0.5, (2, 3))
        image = generator.uniform(0.2, 0.8, 3) + slopes[0] * rows + slopes[1] * columns
        for _ in range(3):
            (top, left), (height, width) = generator.integers(size - 4, size=2), generator.integers(4, size // 2, 2)
            image[top : top + height, left : left + width] = generator.uniform(0, 1, 3)
        images.append(image)
    return (np.clip(images, 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    main()

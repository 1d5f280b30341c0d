"""Every exported file in every runtime that is installed: how far it is from Keras, or that it is refused and why.

python -m benchmarks.runtimes [--data DATA] [--encoder RUN]

Without --encoder a ResNet-18 at 96 px and EfficientNetB0 of keras.applications, of random weights whose batch norm has
seen the images; without --data rectangles on gradients. LiteRT's GPU accelerator needs a Vulkan driver; SwiftShader,
which emulates one, takes seconds for an image. What is slow gets few images: the cosine is over those.
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

from .tables import table, write

SIZE = 96
IMAGES = 64
SLOW = 4  # images where each takes seconds
QUANTIZE = ("none", "float16", "dynamic", "int8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
    rows = []
    for encoder in encoders:
        if not options.encoder:
            settle(encoder, images)
        with tempfile.TemporaryDirectory() as folder:
            rows += [[encoder.name, *row] for row in compare(encoder, images, Path(folder))]
    table(
        f"{len(images)} images of {size} px; largest difference from Keras, of its largest value",
        ["encoder", "file", "runtime", "largest", "cosine", "refused"],
        rows,
    )
    write("runtimes", {"rows": rows})


def compare(encoder, images, folder):
    """Rows of file, runtime, largest, cosine and why it was refused."""
    pixels = images / np.float32(255)
    reference = np.concatenate([encode(encoder, batch).numpy() for batch in np.array_split(pixels, 8)])
    rows = []

    def tried(name, runtime, embed):
        try:
            embedding = np.asarray(embed(), np.float32)
        except (ParityError, InputError, ValueError, RuntimeError) as error:
            return rows.append([name, runtime, "", "", reason(error)])
        if not len(embedding):
            return rows.append([name, runtime, "", "", "does not compile there"])
        largest = np.abs(embedding - reference[: len(embedding)]).max() / np.abs(reference).max()
        return rows.append([name, runtime, float(largest), centered_cosine(embedding, reference), ""])

    def checked(name, runtime, write_file):
        try:
            (parity,) = bk.export.check_parity(encoder, {name: write_file()}, images)
        except (ParityError, InputError) as error:
            return rows.append([name, runtime, "", "", reason(error)])
        return rows.append([name, runtime, parity.largest, parity.cosine, ""])

    checked("SavedModel", "TensorFlow", lambda: bk.export.saved_model(encoder, folder / "1"))
    checked("ONNX", "ONNX Runtime", lambda: bk.export.onnx(encoder, folder / "encoder.onnx"))
    checked("OpenVINO", "OpenVINO", lambda: bk.export.openvino(encoder, folder / "encoder.xml"))
    for quantize in QUANTIZE:
        name, path = f"tflite {quantize}", folder / f"{quantize}.tflite"
        bk.export.tflite(encoder, path, quantize=quantize, calibration=images)
        tried(name, "LiteRT CPU", lambda path=path: litert(path, pixels))
        if gpu_found():
            tried(name, "LiteRT GPU", lambda path=path, name=name: gpu_embeddings(name, path, pixels[:SLOW]))
        if has_extra("mediapipe"):
            tried(name, "MediaPipe", lambda path=path: mediapipe(path, images))
        if has_extra("tflite_micro"):
            tried(name, "tflite-micro", lambda path=path: micro_embeddings(path, pixels[:SLOW])[0])
    return rows


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

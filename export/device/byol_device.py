"""Run an exported encoder on a device: embed images, compare two, classify by a few examples of each class.

This file stands alone, beside encoder.tflite and its .json. It needs Python 3.10, ai-edge-litert, numpy and Pillow.

    python byol_device.py embed encoder.tflite photo.jpg --out photo.npy
    python byol_device.py compare encoder.tflite a.jpg b.jpg
    python byol_device.py enroll encoder.tflite examples.npz cup cup1.jpg cup2.jpg cup3.jpg
    python byol_device.py classify encoder.tflite examples.npz photo.jpg
    python byol_device.py label classifier.tflite photo.jpg
"""

import argparse
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
MAX_PIXELS = 89_478_485  # height times width of the largest image that is decoded, as in training
BATCH = 32  # images in a call where the file leaves that free
Photo = str | os.PathLike | Image.Image | np.ndarray


class DeviceError(ValueError):
    """A mistake in what was passed: a file or an image. One line: what, where, what to do."""


class Encoder:
    """An exported encoder.

    Attributes:
        sha256: of the .tflite file; tells this encoder's embeddings from any other's.
        height, width, channels, dimension: of the images (H, W, C), and of the embeddings (D,), 0 of scores alone.
        labels, value_range: from its description: the K classes of a classifier, else none; and see `prepare`.
    """

    def __init__(self, path: str | os.PathLike, threads: int = 1):
        """Reads the .tflite file `path`, and its description, PATH.json, if it is there."""
        if threads < 1:
            raise DeviceError(f"The encoder runs on at least one thread. Received: {threads=}")
        path = Path(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DeviceError(f"Cannot read the encoder {path}: {error.strerror}") from error
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.labels, self.value_range = _described(path, self.sha256)
        try:
            self._signature = Interpreter(str(path), num_threads=threads).get_signature_runner("serving_default")
            self._input = self._signature.get_input_details()["images"]
            self._outputs = self._signature.get_output_details()
            self.dimension = 0 if set(self._outputs) == {"scores"} else int(self._outputs["embedding"]["shape"][-1])
        except (ValueError, KeyError, RuntimeError) as error:
            raise DeviceError(f"{path} is no encoder exported by byol_keras. Copy it again.") from error
        # The batch is -1 where the file leaves it free.
        self._batch, self.height, self.width, self.channels = map(int, self._input["shape_signature"])
        self._takes = (self.height, self.width, self.channels, self.value_range)

    def embed(self, photos: Iterable[Photo]) -> np.ndarray:
        """Embeddings (N, D) float32 of N images, each a path, a PIL.Image or an array; see `prepare`."""
        images = [prepare(photo, *self._takes) for photo in photos]
        if not images:
            raise DeviceError("No images to embed: pass at least one.")
        return self.run(np.stack(images))

    def label(self, photo: Photo) -> list[tuple[str, float]]:
        """Label and probability of a classifier's classes, the most probable first, for a path or a PIL.Image."""
        if not self.labels:
            raise DeviceError("No classes are known: use a classifier.tflite with its description beside it.")
        scores = self.run(prepare(photo, *self._takes)[None], "scores")[0]
        return [(self.labels[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")]

    def run(self, images: np.ndarray, output: str = "embedding") -> np.ndarray:
        """Embeddings (N, D) float32, or "scores" (N, K), of images (N, H, W, C) float32 in [0, 1] of its size."""
        if output not in self._outputs:
            raise DeviceError(f"The file gives {', '.join(self._outputs)} alone. Export another. Received: {output=}")
        if images.dtype != np.float32 or images.ndim != 4 or images.shape[1:] != self._takes[:3] or not len(images):
            wanted = f"float32 (N, {', '.join(map(str, self._takes[:3]))}) in [0, 1], N from 1"
            raise DeviceError(f"The images must be {wanted}. Received: {images.dtype} {images.shape}")
        batch = BATCH if self._batch < 0 else self._batch
        blocks = [self._block(images[i : i + batch], output) for i in range(0, len(images), batch)]
        return np.concatenate(blocks)[: len(images)]

    def _block(self, images, output):
        if len(images) < self._batch:  # a file with a fixed batch takes no less
            images = np.resize(images, (self._batch, *images.shape[1:]))
        if (integers := self._input["dtype"]) != np.float32:
            (scale, zero_point), limits = self._input["quantization"], np.iinfo(integers)
            images = np.clip(np.round(images / scale) + zero_point, limits.min, limits.max).astype(integers)
        numbers = self._signature(images=images)[output]
        if self._outputs[output]["dtype"] == np.float32:
            return numbers
        scale, zero_point = self._outputs[output]["quantization"]
        return np.float32(scale) * (numbers.astype(np.float32) - zero_point)


class Examples:
    """Embeddings of a few images of each class, by which new images are classified.

    Attributes: names, the class of each of N examples, and embeddings, (N, D) float32.
    """

    def __init__(self, encoder: Encoder):
        self.encoder, self.names = encoder, []
        self.embeddings = np.empty((0, encoder.dimension), np.float32)

    @classmethod
    def load(cls, path: str | os.PathLike, encoder: Encoder) -> "Examples":
        """The examples in a file written by `save`. DeviceError if another encoder made them."""
        examples = cls(encoder)
        try:
            with np.load(path, allow_pickle=False) as saved:
                made_by, examples.names = str(saved["encoder"]), saved["names"].tolist()
                examples.embeddings = saved["embeddings"]
        except Exception as error:  # on a damaged file the readers raise nearly anything
            raise DeviceError(f"Cannot read the examples {path}: {_reason(error)}. Enroll them again.") from error
        if made_by != encoder.sha256:
            made = f"made by another encoder ({made_by[:12]}, this is {encoder.sha256[:12]}), and mean something else"
            raise DeviceError(f"The examples {path} were {made}. Enroll the images again into a new file.")
        return examples

    def add(self, name: str, photos: Iterable[Photo]) -> None:
        """Enroll images, paths or PIL.Images, as examples of the class `name`."""
        if not name.strip():
            raise DeviceError("A class needs a name.")
        self.embeddings = np.concatenate([self.embeddings, added := self.encoder.embed(photos)])
        self.names = self.names + [name] * len(added)

    def save(self, path: str | os.PathLike) -> None:
        """Write a .npz, whole or not at all; one that exists is replaced."""
        arrays = {"encoder": self.encoder.sha256, "names": np.array(self.names), "embeddings": self.embeddings}
        _write(path, lambda file: np.savez(file, **arrays))

    def classify(self, photo: Photo) -> list[tuple[str, float]]:
        """Name and cosine of the classes, nearest first: of the image and the mean of the class's normalized ones."""
        classes = sorted(set(self.names))
        if len(classes) < 2:
            raise DeviceError(f"Nothing to choose from: enroll a second class. Received: classes {classes}")
        names, examples = np.array(self.names), _l2_normalize(self.embeddings)
        means = np.stack([examples[names == name].mean(axis=0) for name in classes])
        similarities = _l2_normalize(means) @ _l2_normalize(self.encoder.embed([photo])[0])
        return sorted(zip(classes, similarities.tolist(), strict=True), key=lambda pair: -pair[1])


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two embeddings (D,), from -1 to 1, 1 for the same image. What is high depends on the encoder."""
    return float(_l2_normalize(a) @ _l2_normalize(b))


def prepare(photo: Photo, height: int, width: int, channels: int, value_range: Sequence[float] | None = None):
    """An image as the encoder gets it in training's evaluation: upright, its central square resized (bicubic).

    Args:
        photo: path of a JPEG, PNG, WebP, BMP or GIF, or a PIL.Image, of at most MAX_PIXELS; or an array (H, W) or
            (H, W, C) of any C, or the path of a .npy with one: uint8, uint16, or with a value range of any numbers.
        height, width, channels: of the (H, W, C) float32 in [0, 1] that is returned.
        value_range: (low, high), which become 0 and 1, of arrays and gray PNG; None for those of 8 and 16 bits.
    """
    name = "image" if isinstance(photo, Image.Image | np.ndarray) else photo
    try:
        raw = _numbers(photo, channels, value_range)
        if height == width:
            top, left = ((extent - min(raw.shape[:2])) // 2 for extent in raw.shape[:2])
            raw = raw[top : top + min(raw.shape[:2]), left : left + min(raw.shape[:2])]
        (low, high), least, most = value_range or (0, np.iinfo(raw.dtype).max), raw.min(), raw.max()
        if not (least >= low and most <= high):
            raise DeviceError(f"values from {least:g} to {most:g}, outside of {low:g} to {high:g}")
        pixels = np.float32((raw - np.float64(low)) / (high - low))
    except Exception as error:  # on a damaged file the readers raise nearly anything
        raise DeviceError(f"Cannot decode {name}: {_reason(error)}") from error
    if height != width and pixels.shape[:2] != (height, width):
        raise DeviceError(f"It takes images of {width} by {height} pixels only. Received: {name} of {raw.shape[1::-1]}")
    # Channel by channel as floats: Pillow would round the resized pixels of an RGB image to bytes.
    planes = [Image.fromarray(p).resize((width, height), Image.Resampling.BICUBIC) for p in np.moveaxis(pixels, -1, 0)]
    return np.clip(np.stack(planes, axis=-1), 0, 1)


def _numbers(photo, channels, value_range):
    """(H, W, C) of an array, or of an image, upright."""
    if isinstance(photo, np.ndarray) or str(photo).endswith(".npy"):
        array = photo if isinstance(photo, np.ndarray) else np.load(photo, allow_pickle=False)
    else:
        image = photo if isinstance(photo, Image.Image) else Image.open(photo, formats=FORMATS)
        is_plain = not value_range or (image.format in (None, "PNG") and image.mode in ("L", "I;16"))
        if image.width * image.height > MAX_PIXELS:  # what the header says
            raise DeviceError(f"more than {MAX_PIXELS:,} pixels: make it smaller")
        if channels == 1 and image is not photo:  # one that was passed keeps its colors
            image.draft("L", None)  # as in training, the luma that a JPEG stores; other formats have none
        with contextlib.nullcontext() if image is photo else image:  # closes its file
            image.load()
        with contextlib.suppress(Exception):  # as in training, damaged EXIF data say nothing
            image = ImageOps.exif_transpose(image)
        if channels not in (1, 3) or not is_plain:
            raise DeviceError("this encoder takes arrays, such as .npy, or with a range and one channel gray PNG")
        array = np.asarray(image if value_range else _in_mode(image, channels))
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] != channels or not (value_range or array.dtype in (np.uint8, np.uint16)):
        kinds = "numbers" if value_range else "uint8 or uint16"
        raise DeviceError(f"an image is {kinds}, (H, W, {channels}). Received: {array.dtype} {array.shape}")
    return array


def _in_mode(image, channels):
    """RGB or gray, as the training images were decoded: the high byte of 16 bits, what is transparent on white."""
    if image.mode.startswith("I"):
        levels, clear = np.asarray(image), image.info.get("transparency", -1)
        image = Image.fromarray(np.where(levels == clear, 255, levels >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB" if channels == 3 else "L")


def _l2_normalize(vector):
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-12)


def _described(path, sha256):
    """Labels and value range in the description beside the file, if there is one; it must be of this very file."""
    description = path.with_name(path.name + ".json")
    if not description.exists():
        return [], None
    try:
        entries = json.loads(description.read_text())
        described, value_range = entries["sha256"], entries.get("input", {}).get("value_range")
        labels = entries.get("scores", {}).get("labels", [])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeviceError(f"{description} is no description of an encoder. Copy it again.") from error
    if described != sha256:
        raise DeviceError(f"{path} is not the file that {description} describes. Copy both again.")
    return labels, value_range


def _write(path, write):
    """Call write(file) on a file beside `path`, and give it that name when it is whole."""
    part = Path(path).parent / f".{Path(path).name}.{os.getpid()}.part"
    try:
        with open(part, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise DeviceError(f"Cannot write {path}: {_reason(error)}. What was there before still is.") from error
    finally:
        part.unlink(missing_ok=True)


def _reason(error):
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code: 0 done, 2 bad input."""
    parser = argparse.ArgumentParser(description="Embed, compare and classify images with an exported encoder.")
    parser.add_argument("--threads", type=int, default=1)
    commands = parser.add_subparsers(dest="command", required=True)
    taken = {"embed": "images", "compare": "a b", "enroll": "examples name images", "classify": "examples images"}
    for name, positionals in (taken | {"label": "images"}).items():
        command = commands.add_parser(name)
        for positional in ["encoder", *positionals.split()]:
            command.add_argument(positional, nargs="+" if positional == "images" else None)
    commands.choices["embed"].add_argument("--out", required=True, help="a .npy of float32 (N, D)")
    options = parser.parse_args(arguments)
    try:
        encoder = Encoder(options.encoder, options.threads)
        if options.command == "embed":
            if Path(options.out).is_dir():
                raise DeviceError(f"Embeddings need a file, and not a folder: name one. Received: out={options.out!r}")
            embeddings = encoder.embed(options.images)
            _write(options.out, lambda file: np.save(file, embeddings))
            print(f"{len(embeddings)} embeddings of {encoder.dimension} numbers in {options.out}")
        elif options.command == "compare":
            print(f"{similarity(*encoder.embed([options.a, options.b])):.4f}")
        elif options.command == "enroll":
            is_there = Path(options.examples).exists()
            examples = Examples.load(options.examples, encoder) if is_there else Examples(encoder)
            examples.add(options.name, options.images)
            examples.save(options.examples)
            print(f"{len(examples.names)} examples of {len(set(examples.names))} classes in {options.examples}")
        else:
            examples = Examples.load(options.examples, encoder) if options.command == "classify" else None
            for image in options.images:
                best = (encoder.label(image) if examples is None else examples.classify(image))[:3]
                print(f"{image}: " + ", ".join(f"{name} {score:.3f}" for name, score in best))
    except DeviceError as error:
        print(f"byol_device {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # the names of files need not be UTF-8
    sys.exit(main())

"""Exported .tflite files on LiteRT's GPU accelerator, where this machine has one.

What runs on the CPU as it should was seen to be wrong there, without a word from the runtime: see
`graph/int8_layers.py`. On Linux the accelerator needs libvulkan.so.1 and a Vulkan driver. One that emulates a GPU will
do: SwiftShader, which Debian's chromium-common brings along, with VK_ICD_FILENAMES set to its .json.
"""

import ctypes
import functools
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from byol_keras.errors import ParityError

from ..formats.tflite import tflite
from .fresh_process import run_isolated

IMAGES = 4  # a GPU emulated by two CPUs takes 3 s for one image of 96 pixels in a ResNet-18
SCRIPT = Path(__file__).parent / "runners" / "run_tflite_gpu.py"

# The least mean cosine of the embeddings, less Keras' mean. A GPU may compute in float16, whatever the file.
LEAST_COSINE = {"tflite none": 0.999, "tflite float16": 0.999, "tflite dynamic": 0.98, "tflite int8": 0.95}
REFUSED = "does not run there"


@functools.cache
def gpu_found() -> bool:
    """Whether LiteRT's GPU accelerator runs on this machine, tried in a fresh process with a network of one layer."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libvulkan.so.1")
        except OSError:
            return False
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D()])
    with tempfile.TemporaryDirectory() as folder:
        path = tflite(network, Path(folder) / "a.tflite")
        return len(gpu_embeddings("probe", path, np.ones((2, 8, 8, 3), np.float32))) > 0


def gpu_embeddings(name: str, path: Path, images: np.ndarray) -> np.ndarray:
    """Embeddings that a .tflite file gives on the accelerator.

    Args:
        name: of the file, for a message.
        path: of the file.
        images: (N, H, W, C) float32 in [0, 1], N from 2, of the file's size.

    Returns:
        (n, D) float32 of the first n of them, n from 2 to IMAGES; (0, 0) where the accelerator does not take the file.
    """
    with tempfile.TemporaryDirectory() as folder:
        images_path, out = Path(folder) / "images.npy", Path(folder) / "out.npz"
        np.save(images_path, images[:IMAGES])
        try:
            run_isolated(f"{name}: {path}", SCRIPT, (path.resolve(), images_path, out))
        except ParityError:  # a driver that ends the process says nothing about the file
            return np.empty((0, 0), np.float32)
        with np.load(out) as saved:
            return saved["embedding"]

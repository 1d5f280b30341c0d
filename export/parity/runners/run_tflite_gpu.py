"""Embed images with a .tflite file on LiteRT's GPU accelerator.

    python -P run_tflite_gpu.py MODEL IMAGES.npy OUT.npz

IMAGES.npy: float32 (N, H, W, C) in [0, 1], of the model's size. OUT.npz: `embedding` (n, D) float32 of the first n
images, all that were done within SECONDS, at least two: a GPU emulated by the CPU takes seconds for one. (0, 0) where
there is no such accelerator, or where it does not take the file.
Images are prepared, and integers become floats, in device/byol_device.py, the file that devices use.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "device"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

runner.block("tensorflow", "keras", "byol_keras")

import numpy as np  # noqa: E402
from ai_edge_litert.compiled_model import CompiledModel  # noqa: E402
from ai_edge_litert.hardware_accelerator import HardwareAccelerator  # noqa: E402
from byol_device import Encoder  # noqa: E402

SECONDS = 60
LEAST = 2


class GpuEncoder(Encoder):
    """An exported encoder on the GPU: the signature runs there, all else is as on the CPU."""

    def __init__(self, path: str):
        """Reads the .tflite file; RuntimeError where there is no accelerator, or it does not take the file."""
        super().__init__(path)
        self._batch = abs(self._batch)  # a free batch, -1, is compiled for one image
        self._model = CompiledModel.from_file(path, hardware_accel=HardwareAccelerator.GPU)
        self._signature = self._run_there

    def _run_there(self, images: np.ndarray) -> dict[str, np.ndarray]:
        source = self._model.create_input_buffer_by_name("serving_default", "images")
        source.write(np.ascontiguousarray(images))
        results = {name: self._model.create_output_buffer_by_name("serving_default", name) for name in self._outputs}
        self._model.run_by_name("serving_default", {"images": source}, results)
        details = self._model.get_output_tensor_details("serving_default")
        arrays = {}
        for name, buffer in results.items():
            shape, dtype = details[name]["shape"], self._outputs[name]["dtype"]
            arrays[name] = np.asarray(buffer.read(int(np.prod(shape)), dtype), dtype).reshape(shape)
        return arrays


def main() -> None:
    """The program."""
    model, images_path, out = sys.argv[1:]
    images, embeddings = np.load(images_path), []
    try:
        encoder = GpuEncoder(model)
    except RuntimeError:
        encoder, images = None, images[:0]
    start = time.perf_counter()
    for image in images:
        if len(embeddings) >= LEAST and time.perf_counter() - start > SECONDS:
            break
        embeddings.append(encoder.run(image[None]))
    np.savez(out, embedding=np.concatenate(embeddings) if embeddings else np.empty((0, 0), np.float32))


if __name__ == "__main__":
    main()

"""Embed images with a .tflite file as a microcontroller would, and tell how much memory it needs for that.

    python -P run_tflite_micro.py MODEL IMAGES.npy OUT.npz

IMAGES.npy: float32 (N, H, W, C) in [0, 1], of the model's size; N may be 0. OUT.npz: `embedding` (N, D) float32, the
first output of the file, and `arena_bytes`, what tflite-micro takes of its arena: activations, and what it notes of
each tensor and operation. Weights are read where they lie, in flash memory.
Needs numpy and tflite-micro.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import runner

runner.block("tensorflow", "keras", "byol_keras")

import numpy as np  # noqa: E402
from tflite_micro import runtime  # noqa: E402

ARENA = 2**28  # bytes to choose from; what is not touched is not taken of the machine


def arena_bytes(interpreter: runtime.Interpreter) -> int:
    """What the interpreter took of its arena, which it only prints, on the stderr of the process."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            interpreter.print_allocations()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        return int(re.search(rb"Arena allocation total (\d+) bytes", file.read())[1])


def main() -> None:
    """The program."""
    model, images_path, out = sys.argv[1:]
    interpreter = runtime.Interpreter.from_file(model, arena_size=max(ARENA, 10 * os.path.getsize(model)))
    source, result = interpreter.get_input_details(0), interpreter.get_output_details(0)
    embeddings = [np.empty((0, result["shape"][-1]), np.float32)]
    for image in np.load(images_path):
        interpreter.set_input(_to_integers(image[None], source), 0)
        interpreter.invoke()
        embeddings.append(_to_floats(interpreter.get_output(0), result))
    np.savez(out, embedding=np.concatenate(embeddings), arena_bytes=arena_bytes(interpreter))
    runner.refuse_blocked()


def _to_integers(images, details):
    if details["dtype"] == np.float32:
        return images
    scale, zero_point = (details["quantization_parameters"][key][0] for key in ("scales", "zero_points"))
    limits = np.iinfo(details["dtype"])
    return np.clip(np.round(images / scale) + zero_point, limits.min, limits.max).astype(details["dtype"])


def _to_floats(numbers, details):
    if details["dtype"] == np.float32:
        return numbers
    scale, zero_point = (details["quantization_parameters"][key][0] for key in ("scales", "zero_points"))
    return np.float32(scale) * (numbers.astype(np.float32) - np.float32(zero_point))


if __name__ == "__main__":
    main()

"""What training needs of memory: at least, and about."""

import keras
import numpy as np

from ..utils.hardware import has_accelerator
from ..utils.memory import require_memory

# Of a process that trains the smallest network, on two cores: TensorFlow, its compilers, threads and buffers. With the
# factor below and 16 bytes for a number of the model, its gradient and its optimizer's, the estimate was within 12 % of
# what processes took: `python -m benchmarks.peak_memory`.
PROCESS_BYTES, OUTPUTS_FACTOR, PARAMETER_BYTES = 1_200_000_000, 1.1, 16
# A gradient of their weights needs what came in.
_WEIGHTED = (keras.layers.Conv2D, keras.layers.Dense)


def training_bytes(encoder: keras.Model, batch_size: int) -> int:
    """The bytes that a step of BYOL must hold at once: two views, and what goes into each weighted layer for each.

    A lower bound: TensorFlow holds the inputs of normalizations and activations as well, and the target's pass.

    Args:
        encoder: functional keras.Model, (B, S, S, C) float32 -> (B, D).
        batch_size: B.

    Returns:
        int.
    """
    held = 4 * int(np.prod(encoder.input_shape[1:]))
    for layer in encoder.layers:
        if isinstance(layer, _WEIGHTED):
            held += _itemsize(layer) * int(np.prod(layer.input.shape[1:]))
    return 2 * batch_size * held


def expected_memory(encoder: keras.Model, parameters: int, batch_size: int) -> int:
    """About the most bytes that a process takes that trains by BYOL on a CPU, beside the images it holds.

    What every layer of the encoder gives for two views, weights with gradients and optimizer, and TensorFlow itself.

    Args:
        encoder: as for `training_bytes`.
        parameters: numbers in all of the model, the target among them: `model.count_params()`.
        batch_size: B.

    Returns:
        int. Not a bound; see `training_bytes` for one.
    """
    outputs = sum(_itemsize(layer) * int(np.prod(layer.output.shape[1:])) for layer in encoder.layers)
    return round(PROCESS_BYTES + PARAMETER_BYTES * parameters + OUTPUTS_FACTOR * 2 * batch_size * outputs)


def require_training_memory(encoder: keras.Model, batch_size: int) -> None:
    """Refuses training that cannot fit into the memory of a machine without an accelerator.

    Args:
        encoder: as for `training_bytes`.
        batch_size: B.

    Raises:
        InputError: when it cannot.
    """
    if has_accelerator():
        return  # The activations are in its memory, and it says by itself what does not fit.
    height, width = encoder.input_shape[1:3]
    # Squares are images, all else spectrograms.
    name, size = ("image_size", height) if height == width else ("frames", width)
    require_memory(
        training_bytes(encoder, batch_size),
        f"Two views of {batch_size:,} inputs of {height:,} x {width:,} and the activations of {encoder.name}",
        f"give a smaller `{name}` or `batch_size`. Received: {name}={size}, batch_size={batch_size}",
    )


def _itemsize(layer):
    dtype = layer.compute_dtype
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize  # NumPy has no bfloat16.

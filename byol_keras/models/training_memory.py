"""What a training step needs of memory, at least."""

import keras
import numpy as np

from ..utils.hardware import has_accelerator
from ..utils.memory import require_memory

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
            held += np.dtype(_numpy_dtype(layer.compute_dtype)).itemsize * int(np.prod(layer.input.shape[1:]))
    return 2 * batch_size * held


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
    size = encoder.input_shape[1]
    require_memory(
        training_bytes(encoder, batch_size),
        f"Two views of {batch_size:,} images at {size:,} px and the activations of {encoder.name}",
        f"give a smaller `image_size` or `batch_size`. Received: image_size={size}, batch_size={batch_size}",
    )


def _numpy_dtype(dtype):
    return "float16" if dtype == "bfloat16" else dtype  # NumPy has no bfloat16; both have two bytes.

"""Which arithmetic to train in."""

import contextlib
from pathlib import Path

from .errors import InputError

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def dtype_policy(precision):
    """The Keras dtype policy for `precision`: "float32", "bfloat16", "float16", or "auto".

    "auto" is bfloat16 where the machine multiplies in it: a GPU of compute capability 8.0 or more, a TPU, or, without
    an accelerator, a CPU with AVX-512 BF16 or AMX; otherwise float32. In the mixed policies the weights, the
    loss and the target's average stay float32.

    Raises:
        InputError: for any other word.
    """
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16() else "float32"
    if precision not in POLICIES:
        raise InputError(f"No precision is called {precision!r}; choose one of auto, {', '.join(POLICIES)}.")
    return POLICIES[precision]


@contextlib.contextmanager
def policy_scope(policy):
    """A context in which the layers that are made have the Keras dtype policy `policy`."""
    import keras

    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def _has_bfloat16():
    import tensorflow as tf

    if tf.config.list_physical_devices("TPU"):
        return True
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(d.get("compute_capability", (0, 0)) >= (8, 0) for d in details)
    processor = Path("/proc/cpuinfo")
    flags = processor.read_text() if processor.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags

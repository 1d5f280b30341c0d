"""Which encoder made an embedding."""

import hashlib

import keras
import numpy as np

# Digits of a fingerprint that a message shows: enough to tell encoders apart by eye.
SHOWN = 12


def fingerprint(encoder: keras.Model) -> str:
    """A mark that two encoders share only with the same input size and the same weights.

    Args:
        encoder: keras.Model that is built.

    Returns:
        str, a SHA-256 in hexadecimal digits. It does not change when the encoder is saved and loaded.
    """
    shape = encoder.input_shape if getattr(encoder, "inputs", None) else _built_shape(encoder)
    digest = hashlib.sha256(repr(tuple(shape)).encode())
    for weight in encoder.get_weights():
        digest.update(f"{weight.shape} {weight.dtype}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _built_shape(encoder):
    """A model written as a class knows only the shape of its first call, whose batch is anything."""
    shape = tuple((encoder.get_build_config() or {}).get("input_shape") or ())
    is_one_input = bool(shape) and all(side is None or isinstance(side, int) for side in shape)
    return (None, *shape[1:]) if is_one_input else shape

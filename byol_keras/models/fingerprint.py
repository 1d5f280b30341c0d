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
    # A model written as a class knows only the shape it was built with.
    functional = getattr(encoder, "inputs", None)
    shape = encoder.input_shape if functional else (encoder.get_build_config() or {}).get("input_shape", ())
    digest = hashlib.sha256(repr(tuple(shape)).encode())
    for weight in encoder.get_weights():
        digest.update(f"{weight.shape} {weight.dtype}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()

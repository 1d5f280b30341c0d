"""Which encoder made an embedding."""

import hashlib

import keras
import numpy as np


def fingerprint(encoder: keras.Model) -> str:
    """A mark that two encoders share only with the same input size and the same weights.

    Args:
        encoder: keras.Model.

    Returns:
        str, a SHA-256 in hexadecimal digits. It does not change when the encoder is saved and loaded.
    """
    digest = hashlib.sha256(repr(tuple(encoder.input_shape)).encode())
    for weight in encoder.get_weights():
        digest.update(f"{weight.shape} {weight.dtype}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()

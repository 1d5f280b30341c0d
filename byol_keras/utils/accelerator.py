"""Whether TensorFlow has more than a CPU to run on."""

import tensorflow as tf


def has_accelerator() -> bool:
    """True where there is a GPU or a TPU."""
    return bool(tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"))

"""Batch normalization with BYOL's constants."""

from typing import Any

import keras


def batch_norm(**kwargs: Any) -> keras.layers.BatchNormalization:
    """Batch normalization with decay 0.9, epsilon 1e-5 and statistics across replicas.

    These are the authors' constants (Grill et al. 2020); Keras' own are 0.99 and 1e-3.

    Args:
        **kwargs: other arguments of `keras.layers.BatchNormalization`.
    """
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=True, **kwargs)

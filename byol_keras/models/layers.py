"""Batch normalization with BYOL's constants."""

import keras


def batch_norm(**kwargs):
    """`keras.layers.BatchNormalization` with decay 0.9, epsilon 1e-5 and statistics across replicas.

    These are the authors' constants; Keras' own are 0.99 and 1e-3.
    """
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=True, **kwargs)

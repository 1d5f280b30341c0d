"""Quicker ways to the numbers of plain Keras layers and optimizers."""

from .compilation import compilable
from .fast_layers import fast_layers

__all__ = ["compilable", "fast_layers"]

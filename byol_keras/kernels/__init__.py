"""Quicker ways to the numbers of plain Keras layers and optimizers."""

from .fast_layers import fast_layers
from .xla import compilable

__all__ = ["compilable", "fast_layers"]

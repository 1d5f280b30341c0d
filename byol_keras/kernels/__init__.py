"""Quicker ways to the numbers of plain Keras layers and optimizers."""

import keras as keras  # first, since importing it imports the package's own classes, and these the modules below

from .fast_layers import fast_layers
from .xla import compilable

__all__ = ["compilable", "fast_layers"]

"""Optimizers that Keras does not have."""

from .lars import LARS
from .muon import Muon

__all__ = ["LARS", "Muon"]

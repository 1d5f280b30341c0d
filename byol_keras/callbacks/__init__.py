"""Keras callbacks that go with BYOL."""

from .checkpoint import Checkpoint
from .history import History
from .input_check import InputCheck
from .target_ema import TargetEMA

__all__ = ["Checkpoint", "History", "InputCheck", "TargetEMA"]

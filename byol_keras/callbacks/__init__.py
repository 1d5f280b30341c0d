"""Keras callbacks that go with BYOL."""

from .checkpoint import Checkpoint
from .csv_history import History
from .input_check import InputCheck
from .online_knn import OnlineKNN
from .target_ema import TargetEMA
from .tensorboard_images import TensorBoardImages

__all__ = ["Checkpoint", "History", "InputCheck", "OnlineKNN", "TargetEMA", "TensorBoardImages"]

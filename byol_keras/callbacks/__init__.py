"""Keras callbacks that go with BYOL."""

from .checkpoint import Checkpoint
from .csv_history import CSVHistory
from .input_check import InputCheck
from .online_knn import OnlineKNN
from .target_ema import TargetEMA
from .tensorboard_images import TensorBoardImages

__all__ = ["CSVHistory", "Checkpoint", "InputCheck", "OnlineKNN", "TargetEMA", "TensorBoardImages"]

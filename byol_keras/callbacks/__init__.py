"""Keras callbacks that go with BYOL."""

from .checkpoint import Checkpoint, load_checkpoint
from .csv_history import CSVHistory
from .finite_check import FiniteCheck
from .input_check import InputCheck
from .online_knn import OnlineKNN
from .step_clock import StepClock
from .target_ema import TargetEMA
from .tensorboard_images import TensorBoardImages
from .tensorboard_scalars import TensorBoardScalars
from .time_left import TimeLeft

__all__ = [
    "CSVHistory",
    "Checkpoint",
    "FiniteCheck",
    "InputCheck",
    "OnlineKNN",
    "StepClock",
    "TargetEMA",
    "TensorBoardImages",
    "TensorBoardScalars",
    "TimeLeft",
    "load_checkpoint",
]

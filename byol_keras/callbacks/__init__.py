"""Keras callbacks that go with BYOL."""

from .best_encoder import BestEncoder
from .checkpoint import Checkpoint, load_checkpoint
from .collapse_monitor import CollapseMonitor
from .csv_history import CSVHistory
from .finite_check import FiniteCheck
from .input_check import InputCheck
from .online_knn import OnlineKNN
from .online_lidar import OnlineLidar
from .step_clock import StepClock
from .target_ema import TargetEMA
from .tensorboard_images import TensorBoardImages
from .tensorboard_scalars import TensorBoardScalars
from .time_left import TimeLeft

__all__ = [
    "BestEncoder",
    "CSVHistory",
    "Checkpoint",
    "CollapseMonitor",
    "FiniteCheck",
    "InputCheck",
    "OnlineKNN",
    "OnlineLidar",
    "StepClock",
    "TargetEMA",
    "TensorBoardImages",
    "TensorBoardScalars",
    "TimeLeft",
    "load_checkpoint",
]

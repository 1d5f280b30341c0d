"""Object detection: RetinaNet on the backbone of a pretrained encoder, fine-tuned on boxes and scored as COCO does."""

from .coco import read_coco
from .dataset import DetectionDataset
from .detector import Detector
from .metrics import average_precision
from .schedule import Schedule
from .train import fine_tuned_detector

__all__ = [
    "DetectionDataset",
    "Detector",
    "Schedule",
    "average_precision",
    "fine_tuned_detector",
    "read_coco",
]

"""Object detection: RetinaNet on the backbone of a pretrained encoder, fine-tuned on boxes and scored as COCO does."""

from .boxed_pictures import BoxedPictures
from .coco import read_coco
from .detector import Detector
from .fine_tuning import fine_tuned_detector
from .kept import load_detector, save_detector
from .schedule import Schedule
from .scoring import average_precision

__all__ = [
    "BoxedPictures",
    "Detector",
    "Schedule",
    "average_precision",
    "fine_tuned_detector",
    "load_detector",
    "read_coco",
    "save_detector",
]

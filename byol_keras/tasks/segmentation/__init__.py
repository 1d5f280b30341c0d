"""Semantic segmentation: a class for every pixel, with a pretrained encoder inside keras-cv's DeepLabV3+."""

from .dataset import Scenes, open_scenes
from .metrics import class_iou, confusion
from .model import load_segmenter, predictor

__all__ = ["Scenes", "class_iou", "confusion", "load_segmenter", "open_scenes", "predictor"]

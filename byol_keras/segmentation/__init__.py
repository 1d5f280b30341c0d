"""Semantic segmentation: a class for every pixel, with a pretrained encoder inside keras-cv's DeepLabV3+."""

from .mean_iou import class_iou, confusion
from .scenes import Scenes, open_scenes
from .segmenter import load_segmenter, predictor

__all__ = ["Scenes", "class_iou", "confusion", "load_segmenter", "open_scenes", "predictor"]

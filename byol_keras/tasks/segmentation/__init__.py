"""Semantic segmentation: a class for every pixel, with a pretrained encoder inside keras-cv's DeepLabV3+."""

from .dataset import SegmentationDataset, open_segmentation
from .metrics import class_iou, confusion
from .model import load_segmenter, predictor

__all__ = ["SegmentationDataset", "class_iou", "confusion", "load_segmenter", "open_segmentation", "predictor"]

"""Semantic segmentation: a class for every pixel, with a pretrained encoder inside keras-cv's DeepLabV3+."""

"""Image classification: an encoder fine-tuned with a linear layer on it."""

from .model import build_classifier, predict_probabilities
from .train import FinetuneConfig, finetune_classifier

__all__ = ["FinetuneConfig", "build_classifier", "finetune_classifier", "predict_probabilities"]

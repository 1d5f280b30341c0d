"""Networks, and ways from one to another."""

from .backbones import backbone
from .heads import mlp
from .resnet import resnet8, resnet8x2, resnet10, resnet18, resnet34, resnet50

__all__ = ["backbone", "mlp", "resnet8", "resnet8x2", "resnet10", "resnet18", "resnet34", "resnet50"]

"""Encoders, heads, and an encoder as the backbone of other networks."""

from .heads import mlp
from .layers import CodingRateTerm
from .log_mel import LogMel
from .resnet import build_resnet, resnet8, resnet8x2, resnet10, resnet18, resnet34, resnet50
from .token_transformer import token_transformer

__all__ = [
    "CodingRateTerm",
    "LogMel",
    "build_resnet",
    "mlp",
    "resnet8",
    "resnet8x2",
    "resnet10",
    "resnet18",
    "resnet34",
    "resnet50",
    "token_transformer",
]

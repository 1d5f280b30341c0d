"""The networks of the torch workers."""

import copy

import torch
from torch import nn

_register_fake = torch.library.register_fake


def _without_torchvision(op, *args, **kwargs):
    # torchvision's compiled operators do not load beside the CPU build of torch; nothing here uses them.
    if isinstance(op, str) and op.startswith("torchvision::"):
        return lambda function: function
    return _register_fake(op, *args, **kwargs)


torch.library.register_fake = _without_torchvision
import torchvision  # noqa: E402 - only after the line above


def encoder(network, image_size):
    """A torchvision ResNet without its classifier, with the small stem under 64 pixels. Returns (module, D)."""
    model = getattr(torchvision.models, network)()
    if image_size < 64:
        model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        model.maxpool = nn.Identity()
    dimensions, model.fc = model.fc.in_features, nn.Identity()
    return model, dimensions


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut, as in `byol_keras.models.resnet`."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, filters, 3, stride, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, 1, 1, bias=False),
            nn.BatchNorm2d(filters),
        )
        self.shortcut = nn.Identity()
        if stride != 1 or channels != filters:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet8x2():
    """`byol_keras.resnet8x2` for 32 pixels, D = 256: (B, 3, 32, 32) -> (B, 256)."""
    stem = [nn.Conv2d(3, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    blocks = [Block(64, 64, 1), Block(64, 128, 2), Block(128, 256, 2)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def resnet8():
    """The same with 16 to 64 filters, for runs whose speed is not the matter: (B, 3, H, W) -> (B, 64)."""
    stem = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    blocks = [Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class LightlyBYOL(nn.Module):
    """The model of lightly's BYOL example, with the paper's heads unless another hidden width is given."""

    def __init__(self, backbone, dimensions, hidden_width=4096):
        super().__init__()
        from lightly.models.modules import BYOLPredictionHead, BYOLProjectionHead

        self.backbone = backbone
        self.projection_head = BYOLProjectionHead(dimensions, hidden_width, 256)
        self.prediction_head = BYOLPredictionHead(256, hidden_width, 256)
        self.backbone_momentum = copy.deepcopy(self.backbone).requires_grad_(False)
        self.projection_head_momentum = copy.deepcopy(self.projection_head).requires_grad_(False)

    def forward(self, x):
        return self.prediction_head(self.projection_head(self.backbone(x).flatten(1)))

    def forward_momentum(self, x):
        return self.projection_head_momentum(self.backbone_momentum(x).flatten(1)).detach()

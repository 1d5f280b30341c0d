"""ResNet encoders, version 1 with the stride on the 3x3 convolution ("v1.5")."""

import keras
from keras import layers

from ..errors import InputError
from .layers import batch_norm

# Stems: (kernel, stride, whether a 3x3 stride-2 max-pool follows).
IMAGENET_STEM = (7, 2, True)
SMALL_STEM = (3, 1, False)
HALVING_STEM = (3, 2, False)
# Below this size ImageNet's stem would throw away most of the image.
SMALL_IMAGE = 64


def _convolution(x, filters, size, stride, name):
    return layers.Conv2D(
        filters, size, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _block(x, filters, stride, bottleneck, name):
    """One residual block. Convolutions have no bias; every one is followed by batch norm."""
    expansion = 4 if bottleneck else 1
    shortcut = x
    if stride != 1 or x.shape[-1] != filters * expansion:
        shortcut = _convolution(x, filters * expansion, 1, stride, f"{name}_shortcut")
        shortcut = batch_norm(name=f"{name}_shortcut_bn")(shortcut)
    if bottleneck:
        plan = [(filters, 1, 1), (filters, 3, stride), (filters * 4, 1, 1)]
    else:
        plan = [(filters, 3, stride), (filters, 3, 1)]
    for i, (width, size, step) in enumerate(plan, start=1):
        x = _convolution(x, width, size, step, f"{name}_conv{i}")
        x = batch_norm(name=f"{name}_bn{i}")(x)
        if i < len(plan):
            x = layers.ReLU(name=f"{name}_relu{i}")(x)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_out")(x)


def resnet(blocks, widths, bottleneck=False, image_size=224, channels=3, mean=None, std=None, stem=None, name="resnet"):
    """A ResNet of any depth and width, pooled to one vector per image.

    Args:
        blocks: residual blocks in each stage, such as (2, 2, 2, 2).
        widths: filters in each stage, such as (64, 128, 256, 512); four times as many come out of a bottleneck.
        bottleneck: 1x1, 3x3, 1x1 blocks instead of two 3x3.
        image_size: int, height and width of the input, in pixels.
        channels: 1 or 3.
        mean, std: per-channel mean and standard deviation of the images in [0, 1], subtracted and divided by at the
            input; None for no normalization.
        stem: IMAGENET_STEM, SMALL_STEM, or another (kernel, stride, pool); by default the small one for images under
            64 pixels.
        name: name of the model.

    Returns:
        keras.Model, (B, image_size, image_size, channels) float32 in [0, 1] -> (B, D) float32.

    Raises:
        InputError: for an image size below 1 or a channel count other than 1 and 3.
    """
    if not isinstance(image_size, int) or image_size < 1:
        raise InputError(f"The image size must be a whole number of pixels from 1. Received: image_size={image_size!r}")
    if channels not in (1, 3):
        raise InputError(f"Images have 1 (gray) or 3 (color) channels. Received: channels={channels!r}")
    kernel, stride, pool = stem or (SMALL_STEM if image_size < SMALL_IMAGE else IMAGENET_STEM)
    inputs = x = keras.Input((image_size, image_size, channels), name="images")
    if mean is not None:
        # In float32, or a bfloat16 policy would round the pixels before the mean is taken off.
        variance = [s**2 for s in std]
        x = layers.Normalization(mean=list(mean), variance=variance, dtype="float32", name="normalization")(x)
    x = _convolution(x, widths[0], kernel, stride, "stem_conv")
    x = batch_norm(name="stem_bn")(x)
    x = layers.ReLU(name="stem_relu")(x)
    if pool:
        x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)
    for stage, (count, filters) in enumerate(zip(blocks, widths, strict=True), start=1):
        for i in range(count):
            stride = 2 if stage > 1 and i == 0 else 1
            x = _block(x, filters, stride, bottleneck, f"stage{stage}_block{i + 1}")
    outputs = layers.GlobalAveragePooling2D(dtype="float32", name="pool")(x)
    return keras.Model(inputs, outputs, name=name)


def resnet8(image_size=32, name="resnet8", **kwargs):
    """Three stages of one block, 32 to 128 filters: 0.3 million parameters, D = 128. For demonstrations and boards."""
    return resnet((1, 1, 1), (32, 64, 128), image_size=image_size, name=name, **kwargs)


def resnet8x2(image_size=32, stem=None, name="resnet8x2", **kwargs):
    """`resnet8` with twice the filters: 1.2 million parameters, D = 256. For pretraining on a CPU.

    Under 64 pixels its stem halves the image, so that it costs less than `resnet8`, and its layers are wide enough
    for the CPU's bfloat16 units.
    """
    if stem is None and isinstance(image_size, int) and image_size < SMALL_IMAGE:
        stem = HALVING_STEM
    return resnet((1, 1, 1), (64, 128, 256), image_size=image_size, stem=stem, name=name, **kwargs)


def resnet10(image_size=224, name="resnet10", **kwargs):
    """Four stages of one block: 5 million parameters, D = 512. The smallest that a detector can stand on.

    Arguments as for `resnet`.
    """
    return resnet((1, 1, 1, 1), (64, 128, 256, 512), image_size=image_size, name=name, **kwargs)


def resnet18(image_size=224, name="resnet18", **kwargs):
    """ResNet-18: 11 million parameters, D = 512. Arguments as for `resnet`."""
    return resnet((2, 2, 2, 2), (64, 128, 256, 512), image_size=image_size, name=name, **kwargs)


def resnet34(image_size=224, name="resnet34", **kwargs):
    """ResNet-34: 21 million parameters, D = 512. Arguments as for `resnet`."""
    return resnet((3, 4, 6, 3), (64, 128, 256, 512), image_size=image_size, name=name, **kwargs)


def resnet50(image_size=224, name="resnet50", **kwargs):
    """ResNet-50: 24 million parameters, D = 2048. Arguments as for `resnet`."""
    widths = (64, 128, 256, 512)
    return resnet((3, 4, 6, 3), widths, bottleneck=True, image_size=image_size, name=name, **kwargs)

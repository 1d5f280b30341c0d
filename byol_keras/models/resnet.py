"""ResNet encoders, version 1 with the stride on the 3x3 convolution ("v1.5")."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from ..errors import InputError
from .layers import batch_norm
from .mel_input import MelInput

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


def resnet(
    blocks: Sequence[int],
    widths: Sequence[int],
    bottleneck: bool = False,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    stem: tuple[int, int, bool] | None = None,
    sample_rate: int | None = None,
    name: str = "resnet",
) -> keras.Model:
    """A ResNet of any depth and width, pooled to one vector per image.

    Args:
        blocks: residual blocks in each stage, such as (2, 2, 2, 2).
        widths: filters in each stage, such as (64, 128, 256, 512); four times as many come out of a bottleneck.
        bottleneck: 1x1, 3x3, 1x1 blocks instead of two 3x3.
        input_shape: (height, width, channels) of an image: pixels, and 1 (gray), 3 (color) or other channels.
        mean: of the images in [0, 1], one number per channel, subtracted at the input; None for no normalization.
        std: standard deviation per channel, which what is left is divided by; given where `mean` is.
        stem: IMAGENET_STEM, SMALL_STEM, or another (kernel, stride, pool); by default the small one for images with a
            side under 64 pixels.
        sample_rate: of recordings whose spectrograms are the images, see `LogMel`: (64, frames, 1). The encoder then
            says so of itself, and reads those of other rates at this one. None for images.
        name: name of the model.

    Returns:
        keras.Model, (B, height, width, channels) float32 in [0, 1] -> (B, D) float32. Source: He et al. 2015
        (arXiv 1512.03385).

    Raises:
        InputError: for another `input_shape`, or `mean` and `std` that are not one number per channel.
    """
    input_shape = _checked_shape(input_shape)
    for values in (mean, std):
        if (mean is None) != (std is None) or (values is not None and len(values) != input_shape[-1]):
            raise InputError(f"`mean` and `std` have one number per channel. Received: mean={mean}, std={std}")
    kernel, stride, pool = stem or (SMALL_STEM if _is_small(input_shape) else IMAGENET_STEM)
    inputs = x = keras.Input(input_shape, name="images")
    if sample_rate is not None:
        x = MelInput(sample_rate, dtype="float32", name="spectrograms")(x)
    if mean is not None:
        # In float32, or a bfloat16 policy would round the pixels before the mean is subtracted.
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


def resnet8(input_shape: tuple[int, int, int] = (32, 32, 3), name: str = "resnet8", **kwargs: Any) -> keras.Model:
    """Three stages of one block, 32 to 128 filters: 0.3 million parameters, D = 128. For demonstrations and boards.

    Arguments as for `resnet18`.
    """
    return resnet((1, 1, 1), (32, 64, 128), input_shape=input_shape, name=name, **kwargs)


def resnet8x2(input_shape: tuple[int, int, int] = (32, 32, 3), name: str = "resnet8x2", **kwargs: Any) -> keras.Model:
    """`resnet8` with twice the filters: 1.2 million parameters, D = 256. For pretraining on a CPU.

    Under 64 pixels its stem halves the image, so that it costs less than `resnet8`, and its layers are wide enough
    for the CPU's bfloat16 units. Arguments as for `resnet18`.
    """
    if kwargs.get("stem") is None and _is_small(_checked_shape(input_shape)):
        kwargs["stem"] = HALVING_STEM
    return resnet((1, 1, 1), (64, 128, 256), input_shape=input_shape, name=name, **kwargs)


def resnet10(input_shape: tuple[int, int, int] = (224, 224, 3), name: str = "resnet10", **kwargs: Any) -> keras.Model:
    """Four stages of one block: 5 million parameters, D = 512. The smallest that a detector can stand on.

    Arguments as for `resnet18`.
    """
    return resnet((1, 1, 1, 1), (64, 128, 256, 512), input_shape=input_shape, name=name, **kwargs)


def resnet18(input_shape: tuple[int, int, int] = (224, 224, 3), name: str = "resnet18", **kwargs: Any) -> keras.Model:
    """ResNet-18: 11 million parameters, D = 512.

    Args:
        input_shape: (height, width, channels) of an image: pixels, and 1 (gray), 3 (color) or other channels.
        name: name of the model.
        **kwargs: `mean`, `std`, `stem` and `sample_rate`, see `resnet`.

    Returns:
        keras.Model, (B, height, width, channels) float32 in [0, 1] -> (B, 512) float32, with fresh weights.

    Raises:
        InputError: for another `input_shape`, or `mean` and `std` that are not one number per channel.

    Example:
        encoder = bk.resnet18(input_shape=(32, 32, 3), mean=[0.49, 0.48, 0.45], std=[0.25, 0.24, 0.26])
    """
    return resnet((2, 2, 2, 2), (64, 128, 256, 512), input_shape=input_shape, name=name, **kwargs)


def resnet34(input_shape: tuple[int, int, int] = (224, 224, 3), name: str = "resnet34", **kwargs: Any) -> keras.Model:
    """ResNet-34: 21 million parameters, D = 512. Arguments as for `resnet18`."""
    return resnet((3, 4, 6, 3), (64, 128, 256, 512), input_shape=input_shape, name=name, **kwargs)


def resnet50(input_shape: tuple[int, int, int] = (224, 224, 3), name: str = "resnet50", **kwargs: Any) -> keras.Model:
    """ResNet-50: 24 million parameters, D = 2048. Arguments as for `resnet18`."""
    widths = (64, 128, 256, 512)
    return resnet((3, 4, 6, 3), widths, bottleneck=True, input_shape=input_shape, name=name, **kwargs)


RESNETS = {
    "resnet8": resnet8,
    "resnet8x2": resnet8x2,
    "resnet10": resnet10,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
}


def build_resnet(name: str, **kwargs: Any) -> keras.Model:
    """The network of RESNETS called `name`, with fresh weights. Other arguments as for `resnet18`.

    Raises:
        InputError: for an unknown name, and as `resnet18`.
    """
    check_resnet(name)
    return RESNETS[name](**kwargs)


def check_resnet(name: str) -> None:
    """Raises InputError unless `name` is a key of RESNETS."""
    if name not in RESNETS:
        raise InputError(f"No backbone is called {name!r}; choose one of {', '.join(RESNETS)}.")


def _checked_shape(input_shape):
    shape = tuple(input_shape) if isinstance(input_shape, tuple | list) else ()
    are_numbers = len(shape) == 3 and all(isinstance(n, int) and n > 0 for n in shape)
    if not are_numbers or (shape[0] in (1, 3) and shape[-1] not in (1, 3)):
        raise InputError(
            "`input_shape` is (height, width, channels): whole numbers of pixels from 1, and 1 (gray), 3 (color) or "
            f"other channels, last. Received: input_shape={input_shape!r}"
        )
    return shape


def _is_small(input_shape):
    return min(input_shape[:2]) < SMALL_IMAGE

"""A pretrained ResNet as a backbone of keras-cv, for its detectors and segmentation models."""

import re

import keras

from ..errors import InputError

# Stages and blocks of both are numbered; their stems and the layers of a block have names of their own. keras-cv counts
# the stages from 0.
STEM = {"stem_conv": "conv1_conv", "stem_bn": "conv1_bn"}
BLOCK = {
    "shortcut": "0_conv",
    "shortcut_bn": "0_bn",
    "conv1": "1_conv",
    "bn1": "1_bn",
    "conv2": "2_conv",
    "bn2": "2_bn",
}
OURS = re.compile(r"stage(\d)_block(\d+)_(\w+)")


def keras_cv_backbone(encoder: keras.Model) -> keras.Model:
    """A `keras_cv.models.ResNetBackbone` with a copy of the weights of an encoder.

    The backbone has no normalization of images: `normalized` does for it what the encoder does at its input.

    Args:
        encoder: `resnet10`, `resnet18` or `resnet34` for color images of 64 pixels and more, trained or not.

    Returns:
        keras_cv.models.ResNetBackbone for images of any size, its batch norm with the encoder's momentum and epsilon.
        "P2" to "P5" of its `pyramid_level_inputs` are the stages, whose cells lie 4, 8, 16 and 32 pixels apart.

    Raises:
        InputError: for any other encoder.
    """
    import keras_cv

    ours = {layer.name: layer for layer in encoder.layers if layer.weights and layer.name != "normalization"}
    blocks = {}
    for name in ours:
        if found := re.fullmatch(r"stage(\d)_block(\d+)_conv2", name):
            blocks[int(found[1])] = max(blocks.get(int(found[1]), 0), int(found[2]))
    large = "stem_conv" in ours and ours["stem_conv"].kernel_size == (7, 7)
    if not large or sorted(blocks) != [1, 2, 3, 4] or "stage1_block1_conv3" in ours or encoder.input_shape[-1] != 3:
        raise InputError(
            "A keras-cv backbone can be made of resnet10, resnet18 or resnet34 for color images of 64 pixels and "
            f"more. Received: {encoder.name!r} for images of shape {encoder.input_shape[1:]}"
        )
    backbone = keras_cv.models.ResNetBackbone(
        stackwise_filters=[ours[f"stage{stage}_block1_conv1"].filters for stage in sorted(blocks)],
        stackwise_blocks=[blocks[stage] for stage in sorted(blocks)],
        stackwise_strides=[1, 2, 2, 2],
        block_type="basic_block",
        include_rescaling=False,
        input_shape=(None, None, 3),
    )
    for name, layer in ours.items():
        copy = backbone.get_layer(_their_name(name))
        if isinstance(layer, keras.layers.BatchNormalization):
            copy.momentum, copy.epsilon = layer.momentum, layer.epsilon
        copy.set_weights(layer.get_weights())
    return backbone


def normalized(images: keras.KerasTensor, encoder: keras.Model) -> keras.KerasTensor:
    """Images as the backbone of an encoder wants them: by the mean and std that the encoder was made with.

    Args:
        images: (B, H, W, 3) float32 in [0, 1], a tensor or the input of a functional model.
        encoder: as for `keras_cv_backbone`.

    Returns:
        (B, H, W, 3) float32.
    """
    names = [layer.name for layer in encoder.layers]
    return encoder.get_layer("normalization")(images) if "normalization" in names else images


def _their_name(name):
    if name in STEM:
        return STEM[name]
    stage, block, part = OURS.fullmatch(name).groups()
    return f"v2_stack_{int(stage) - 1}_block{block}_{BLOCK[part]}"

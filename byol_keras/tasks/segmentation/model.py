"""The network: keras-cv's DeepLabV3+ on the backbone of an encoder."""

import functools
import os
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ...models.keras_cv_backbone import keras_cv_backbone, normalized
from ...models.model_file import read_model
from ...utils.private_api import all_layers

# Sizes of images of which the traced network is held.
SIZES_HELD = 64
# Pixels between the cells of the backbone's last stage: images come in multiples of it.
STRIDE = 32
# The dilated convolutions of the paper (Chen et al. 2018) reach 6, 12 and 18 cells far where a crop has 33. keras-cv's
# backbones leave fewer cells; beyond the crop's border all but the middle of a kernel would see nothing.
REACH = 6 / 33


def build_segmenter(encoder: keras.Model, num_classes: int, crop_size: int) -> keras.Model:
    """DeepLabV3+ with the weights of an encoder in its backbone, and new ones in the rest.

    The head is keras-cv's, but for the order of its last two layers: classes first, enlarged afterwards, which gives
    the same scores for a fraction of the work.

    Args:
        encoder: see `keras_cv_backbone`.
        num_classes: int, C.
        crop_size: int, pixels, of the crops it will be trained on.

    Returns:
        keras.Model, images (B, H, W, 3) float32 in [0, 1], H and W multiples of STRIDE -> scores before the softmax,
        (B, H, W, C) float32.

    Raises:
        InputError: for an encoder that cannot be a backbone.

    Example:
        model = bk.tasks.build_segmenter(encoder, len(train.class_names), crop_size=128)
    """
    backbone = keras_cv_backbone(encoder)
    import keras_cv

    rate = max(1, round(REACH * crop_size / STRIDE))
    head = keras.Sequential(
        [
            keras.layers.Conv2D(256, 1, use_bias=False, name="head_conv"),
            keras.layers.BatchNormalization(name="head_bn"),
            keras.layers.ReLU(name="head_relu"),
            keras.layers.Conv2D(num_classes, 1, dtype="float32", name="scores"),
            keras.layers.UpSampling2D(4, interpolation="bilinear", dtype="float32", name="enlarged"),
        ],
        name="segmentation_head",
    )
    deeplab = keras_cv.models.DeepLabV3Plus(
        backbone,
        num_classes,
        spatial_pyramid_pooling=keras_cv.layers.SpatialPyramidPooling([rate, 2 * rate, 3 * rate]),
        segmentation_head=head,
    )
    inputs = keras.Input((None, None, 3), name="images")
    model = keras.Model(inputs, deeplab(normalized(inputs, encoder)), name="segmenter")
    for layer in all_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            # Keras' 0.99 would still remember the untrained network after a few hundred updates.
            layer.momentum = 0.9
    return model


def load_segmenter(path: str | os.PathLike) -> keras.Model:
    """A segmenter saved as .keras, as `byol-keras segment` leaves one in a run.

    Args:
        path: of the file.

    Returns:
        keras.Model, see `build_segmenter`.

    Raises:
        InputError: where there is none, or it has diverged.

    Example:
        model = bk.tasks.load_segmenter("runs/street/segmentation/pretrained.keras")
    """
    import keras_cv  # noqa: F401 - registers its layers with Keras

    return read_model(path, "a segmenter")


def segmenter_function(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A function: image (H, W, 3) uint8 of any size -> classes (H, W) uint8.

    Args:
        model: of `build_segmenter` or `load_segmenter`.

    Example:
        predict = bk.tasks.segmenter_function(model)
        classes = predict(test.image(0))
    """

    def classes_of(images):
        return tf.argmax(model(images, training=False), axis=-1, output_type=tf.int32)

    # Of each size, since Keras' UpSampling2D cannot be traced with sizes left open; of few, since each takes memory.
    @functools.lru_cache(SIZES_HELD)
    def traced(shape):
        return tf.function(classes_of, autograph=False).get_concrete_function(tf.TensorSpec(shape))

    def predict(image):
        height, width = image.shape[:2]
        padded = np.pad(image, ((0, -height % STRIDE), (0, -width % STRIDE), (0, 0)), mode="edge")
        images = padded[None] / np.float32(255)
        classes = traced(images.shape)(tf.constant(images))[0]
        return np.asarray(classes)[:height, :width].astype(np.uint8)

    return predict

"""Layers of any Keras model swapped, while a .tflite file is made of it, for ways that suit kernels with int8 weights.

An int8 kernel takes the channels of one pixel in blocks, of 64 on a CPU with matrix units. The three channels
of an image fill a twentieth of such a block, so an ImageNet stem costs as much as the rest of a small network. The
pixels of a 2 by 2 square taken as channels fill four times as much. And the subtraction and division of a
Normalization layer are slow as int8 operations; as one depthwise convolution they are not, and are rounded once
instead of twice.

A 1x1 convolution with a stride, the shortcut of a ResNet, is wrong on the GPU accelerator of ai-edge-litert 2.3.0 once
its weights are int8: the file runs "fully accelerated", and its embeddings differ by 0.7 of the largest value. As a
1x1 max-pool with that stride and a convolution without one it is right, on the CPU in the same time.

The numbers are those of the plain layers but for the order of float additions.
"""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from byol_keras.kernels.layer_swap import layer_swap

FEW_CHANNELS = 4


class DepthwiseNormalization(keras.layers.Normalization):
    """`keras.layers.Normalization` of images (B, H, W, C), per channel or not, as a depthwise 1x1 convolution."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        channels = inputs.shape[-1]
        if len(inputs.shape) != 4 or self.invert or np.size(self.mean) not in (1, channels):
            return super().call(inputs)
        std = np.maximum(np.sqrt(np.float32(self.variance)), keras.config.epsilon())
        scale = np.broadcast_to(1 / std.ravel(), (channels,)).astype(np.float32)
        shift = -np.ravel(np.float32(self.mean)) * scale
        normalized = tf.nn.depthwise_conv2d(inputs, scale.reshape(1, 1, -1, 1), [1, 1, 1, 1], "VALID")
        return tf.nn.bias_add(normalized, shift)


class DeviceConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`: with stride 2 on few channels by squares of pixels, a strided 1x1 kernel behind a pool."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if self._is_strided_point():
            return self._completed(
                tf.nn.conv2d(tf.nn.max_pool2d(inputs, 1, self.strides, "VALID"), self.kernel, 1, "VALID")
            )
        if self._suits_squares(inputs.shape):
            return self._completed(self._by_squares(inputs))
        return super().call(inputs)

    def _by_squares(self, inputs: tf.Tensor) -> tf.Tensor:
        """The convolution as one with stride 1 on 2 by 2 squares of pixels."""
        # Keras pads an image of even size with (k - 2) // 2 zeros before it and the rest after. Zeros around the
        # kernel make both it and what lies before the image a whole number of squares.
        before = [(k - 2) // 2 if self.padding == "same" else 0 for k in self.kernel_size]
        rows, columns = ((b % 2, (k + b) % 2) for k, b in zip(self.kernel_size, before, strict=True))
        kernel = tf.pad(self.kernel, [rows, columns, (0, 0), (0, 0)])
        height, width, channels, filters = kernel.shape
        kernel = tf.reshape(kernel, (height // 2, 2, width // 2, 2, channels, filters))
        kernel = tf.transpose(kernel, (0, 2, 1, 3, 4, 5))
        kernel = tf.reshape(kernel, (height // 2, width // 2, 4 * channels, filters))
        return tf.nn.conv2d(tf.nn.space_to_depth(inputs, 2), kernel, 1, self.padding.upper())

    def _completed(self, x: tf.Tensor) -> tf.Tensor:
        return self.activation(tf.nn.bias_add(x, self.bias) if self.use_bias else x)

    def _is_strided_point(self) -> bool:
        return self.data_format == "channels_last" and self.kernel_size == (1, 1) and self.strides != (1, 1)

    def _suits_squares(self, shape: tf.TensorShape) -> bool:
        return (
            self.data_format == "channels_last"
            and self.padding in ("same", "valid")
            and self.strides == (2, 2)
            and self.dilation_rate == (1, 1)
            and self.groups == 1
            and min(self.kernel_size) > 2
            and shape[3] <= FEW_CHANNELS
            and all(side is not None and side % 2 == 0 for side in shape[1:3])
            and all(side >= k for side, k in zip(shape[1:3], self.kernel_size, strict=True))
        )


SWAPS = {keras.layers.Normalization: DepthwiseNormalization, keras.layers.Conv2D: DeviceConv2D}


def device_layers(encoder: keras.Model) -> contextlib.AbstractContextManager:
    """A context in which the layers of an encoder compute as kernels with int8 weights like it.

    Args:
        encoder: built; unchanged afterwards.
    """
    return layer_swap([encoder], SWAPS)

"""Convolution whose filter gradient is a sum of matrix products, where that is quicker in bfloat16 on a CPU."""

import keras
import tensorflow as tf

# oneDNN sums the filter gradient along rows of the output, 32 pixels at a time: shorter rows leave its matrix units
# mostly idle. Measured with benchmarks/kernels.py; from 10 pixels on its kernel wins again.
NARROW = 8
# With fewer channels the filter gradient of TensorFlow 2.20 and 2.21 for a strided 1x1 convolution writes past its end.
SAFE_CHANNELS = 16


class MatmulGradientConv2D(keras.layers.Conv2D):
    """The Keras layer with another way to the same filter gradient; the output and the input gradient are Keras' own.

    It applies without groups, dilation or channels-first layout: in bfloat16 where the kernel is 1x1 or the output is
    at most 8 pixels wide, in float32 where TensorFlow's own kernel fails. Everything else is the Keras layer.
    """

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        x, kernel = tf.convert_to_tensor(inputs), tf.convert_to_tensor(kernel)
        if not self._applies(x):
            return super().convolution_op(x, kernel)
        return _convolve(x, kernel, self.strides, self.padding.upper())

    def _applies(self, x):
        plain = self.groups == 1 and self.dilation_rate == (1, 1) and self.data_format == "channels_last"
        if not plain or self.padding not in ("same", "valid") or x.shape.rank != 4 or None in x.shape[1:]:
            return False
        pointwise = self.kernel_size == (1, 1)
        if x.dtype == tf.float32:
            return pointwise and self.strides != (1, 1) and x.shape[-1] < SAFE_CHANNELS
        reached = x.shape[2] if self.padding == "same" else x.shape[2] - self.kernel_size[1] + 1
        return x.dtype == tf.bfloat16 and (pointwise or -(-reached // self.strides[1]) <= NARROW)


def _convolve(x, kernel, strides, padding):
    strides_4d = [1, *strides, 1]

    @tf.custom_gradient
    def convolve(x, kernel):
        def gradient(dy):
            dx = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(x), filter=kernel, out_backprop=dy, strides=strides_4d, padding=padding
            )
            return dx, filter_gradient(x, dy, kernel.shape[:2], strides, padding)

        return tf.nn.conv2d(x, kernel, strides_4d, padding), gradient

    return convolve(x, kernel)


def filter_gradient(
    x: tf.Tensor, dy: tf.Tensor, size: tuple[int, int], strides: tuple[int, int], padding: str
) -> tf.Tensor:
    """The gradient of a convolution in its filter: for each tap, x under that tap, transposed, times dy.

    Args:
        x: (B, H, W, C) input, H, W and C static.
        dy: (B, h, w, K) gradient of the output, h, w and K static.
        size: (rows, columns) of the filter.
        strides: (down, across).
        padding: "SAME" or "VALID".

    Returns:
        (rows, columns, C, K), of x's dtype.
    """
    _, height, width, channels = x.shape
    _, out_height, out_width, filters = dy.shape
    # What the taps reach, in whole strides; "SAME" puts the smaller half of its zeros in front.
    margins = []
    for length, out, taps, stride in zip((height, width), (out_height, out_width), size, strides, strict=True):
        reach = (out - 1) * stride + taps
        before = max(reach - length, 0) // 2 if padding == "SAME" else 0
        whole = -(-max(reach, before + length) // stride) * stride
        margins.append((before, whole - before - length))
    x = tf.pad(x, [(0, 0), *margins, (0, 0)])

    # Every stride-th row and column brought together, since TensorFlow's strided slices are slow. A 3x3 filter with
    # stride 2 on 8 x 8 pixels: they are padded to 10 x 10 and brought together as (2, B, 5, 5, 2 C), where tap (2, 1)
    # is [0, :, 1:5, 0:4, C:].
    down, across = strides
    rows, columns = x.shape[1] // down, x.shape[2] // across
    x = tf.reshape(x, (-1, rows, down, columns, across * channels))
    x = tf.transpose(x, (2, 0, 1, 3, 4)) if down > 1 else x[tf.newaxis, :, :, 0]

    dy = tf.reshape(dy, (-1, filters))
    taps = []
    for i in range(size[0]):
        for j in range(size[1]):
            first = (j % across) * channels
            tap = x[i % down, :, i // down : i // down + out_height, j // across : j // across + out_width]
            tap = tap[..., first : first + channels]
            taps.append(tf.matmul(tf.reshape(tap, (-1, channels)), dy, transpose_a=True))
    return tf.reshape(tf.stack(taps), (*size, channels, filters))

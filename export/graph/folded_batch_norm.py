"""Batch normalization as TensorFlow's optimizer can take it into the convolution before it."""

import keras
import tensorflow as tf


class FoldedBatchNormalization(keras.layers.BatchNormalization):
    """The Keras layer in inference mode, as a product and a bias over the last axis.

    Of a graph whose weights are constants TensorFlow then makes one operation out of convolution, batch norm, residual
    sum and ReLU: the product goes into the convolution's weights, the bias and what follows into its kernel. Keras adds
    the bias with an ordinary addition, which the optimizer joins with the residual sum instead.

    In training mode, with a mask or over another axis it is Keras' own.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        last = len(inputs.shape) - 1
        if training or mask is not None or self.axis not in (-1, last) or last < 1:
            return super().call(inputs, training=training, mask=mask)
        scale = tf.math.rsqrt(tf.convert_to_tensor(self.moving_variance) + self.epsilon)
        if self.scale:
            scale *= tf.convert_to_tensor(self.gamma)
        bias = -tf.convert_to_tensor(self.moving_mean) * scale
        if self.center:
            bias += tf.convert_to_tensor(self.beta)
        x = tf.cast(inputs, self.compute_dtype)
        return tf.nn.bias_add(x * tf.cast(scale, x.dtype), tf.cast(bias, x.dtype))

"""Networks and steps that change one thing about BYOL's batch normalization, for `benchmarks.ablation`."""

import keras
import tensorflow as tf
from keras import ops

import byol_keras as bk
from byol_keras.models.target import average_target


class InferenceTarget(bk.BYOL):
    """The target normalizes by moving statistics, as in inference, which follow the online network's."""

    statistics_follow = "as the weights"

    def _target(self, view, training):
        return super()._target(view, training=False)

    def _average_target(self, rate):
        super()._average_target(rate)
        pairs = [(target, online) for target, online in self._pairs() if not online.trainable and is_statistic(online)]
        # At rate 0 nothing was updated.
        average_target(pairs, rate if self.statistics_follow == "as the weights" else tf.sign(rate))


class CopiedStatistics(InferenceTarget):
    """The same, with moving statistics that are the online network's."""

    statistics_follow = "at once"


def is_statistic(variable):
    return variable.name in ("moving_mean", "moving_variance")


# The copies below call what takes a batch normalization's place as that is called, with a mask.
class GroupNorm(keras.layers.GroupNormalization):
    def call(self, inputs, mask=None):
        return super().call(inputs)


class NoNorm(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, inputs, mask=None):
        return inputs

    def get_config(self):
        return super().get_config()


class StandardizedConv2D(keras.layers.Conv2D):
    """A convolution whose filters have mean 0 and variance 1 / inputs (Qiao et al. 2019, arXiv 1903.10520)."""

    def call(self, inputs):
        kernel = ops.cast(self.kernel, "float32")
        mean, variance = ops.moments(kernel, axes=[0, 1, 2], keepdims=True)
        inputs_of_one = kernel.shape[0] * kernel.shape[1] * kernel.shape[2]
        kernel = (kernel - mean) * ops.rsqrt(variance * inputs_of_one + 1e-4)
        return ops.conv(inputs, ops.cast(kernel, inputs.dtype), strides=list(self.strides), padding=self.padding)


def without_batch_norm(network: keras.Model) -> keras.Model:
    """A copy without any normalization."""
    return _changed(network, lambda layer: NoNorm(name=layer.name, dtype=layer.dtype_policy), None)


def with_group_norm(network: keras.Model) -> keras.Model:
    """A copy with group normalization of 16 groups, and standardized filters, after Richemond et al. 2020."""
    return _changed(
        network,
        lambda layer: GroupNorm(16, name=layer.name, dtype=layer.dtype_policy),
        StandardizedConv2D,
    )


def _changed(network, norm, convolution):
    """A copy with another layer in the place of each batch normalization, and of each convolution."""

    def clone(layer):
        if isinstance(layer, keras.layers.BatchNormalization):
            return norm(layer)
        kind = convolution if convolution is not None and type(layer) is keras.layers.Conv2D else type(layer)
        return kind.from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=clone)

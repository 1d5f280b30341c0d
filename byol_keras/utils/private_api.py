"""Names of Keras and TensorFlow that are not public, and why no public one will do: the one place that uses them.

`make test-versions` says for which versions they are as they are here. TensorFlow is imported where it is used.
"""

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    import tensorflow as tf


def all_layers(model: keras.Layer) -> list[keras.Layer]:
    """The model itself and the layers in it at any depth, each once.

    The public `layers` of a model leaves out what custom layers hold inside.
    """
    return model._flatten_layers()


def variable_index(optimizer: keras.optimizers.Optimizer, variable: keras.Variable) -> int:
    """The index of `variable` in what the optimizer was built with.

    Keras' own optimizers find the momentum of a variable so; `update_step` is given no index.
    """
    return optimizer._get_variable_index(variable)


class BuiltModel(keras.Model):
    """A model that is built when it is made, so that `fit` and `evaluate` need not find out its shapes from a batch.

    Under a strategy Keras traces the step on a symbolic batch first, which fails on batches that are tuples of images.
    There is no public way to leave that out.
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds the optimizer only: left to the first step, it would be built inside a replica, where it fails."""
        if self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)


def merge_replicas(function: Callable, *args: Any) -> Any:
    """Calls function(strategy, *args) from inside a step: once for all replicas where the strategy wants that.

    Keras' optimizers assign variables so. The public `tf.distribute.ReplicaContext.merge_call` fails for the
    strategies that have no use for it.
    """
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    return tf.__internal__.distribute.interim.maybe_merge_call(function, strategy, *args)


def replicas_branch_alike() -> bool:
    """Whether a condition inside a step may hold an update: under a strategy whose replicas meet in `merge_call` it may
    not, and nothing public says which do.
    """
    import tensorflow as tf

    return tf.__internal__.distribute.strategy_supports_no_merge_call()


def update_without_accumulation(
    optimizer: keras.optimizers.Optimizer, gradients: "list[tf.Tensor]", variables: list[keras.Variable], shares: int
) -> None:
    """Moves `variables` by `gradients`, whatever the optimizer accumulates, and does not count it.

    Each of `shares` replicas is to call it with the same gradients, which are clipped whole.

    The public `apply` of an optimizer that accumulates decides inside of a condition, which fails where replicas meet.
    """
    gradients = [gradient / shares for gradient in optimizer._clip_gradients(gradients)]
    optimizer._apply_weight_decay(variables)
    optimizer._backend_update_step(gradients, variables, optimizer.learning_rate)


def variables_to_constants(
    function: "tf.types.experimental.ConcreteFunction",
) -> "tf.types.experimental.ConcreteFunction":
    """The same function with its variables as constants. The public function of the kind works on TF 1 sessions only.

    Conditions and loops stay functions: what they would be lowered to cannot be called from another function.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(function, lower_control_flow=False)


def tflite_schema() -> ModuleType:
    """The module with the classes of the .tflite format, generated from its schema; none of them is public."""
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated


def tflite_converter_error() -> type[Exception]:
    """The exception of `tf.lite.TFLiteConverter.convert`, whose `errors` name the operations it cannot convert."""
    from tensorflow.lite.python.convert_phase import ConverterError

    return ConverterError

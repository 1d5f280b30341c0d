"""Whether the optimizer's update may be compiled by XLA into one pass over memory."""

import keras
import tensorflow as tf

from ..utils.hardware import has_accelerator


def compilable(optimizer, gradients):
    """True where XLA can run the update of `optimizer` with `gradients` and where that saves time.

    The variables must exist already, every gradient must be a dense tensor, and there must be one replica. Only Keras'
    optimizers and this package's are compiled; another may do what XLA cannot. A loss-scaling optimizer is left
    alone, and so is a model on an accelerator, where Keras compiles the whole step.
    """
    known = type(optimizer).__module__.split(".")[0] in ("keras", __name__.split(".")[0])
    return (
        known
        and optimizer.built
        and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        and all(tf.is_symbolic_tensor(g) and isinstance(g, tf.Tensor) for g in gradients)
        and tf.distribute.get_strategy().num_replicas_in_sync == 1
        and not has_accelerator()
    )

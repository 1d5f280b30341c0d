"""What XLA, TensorFlow's compiler, is given: pieces of the views, and the update of optimizer and target."""

import functools
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from ..optimizers import Muon
from ..utils.hardware import has_accelerator


def compiled(function: Callable) -> Callable:
    """Decorator: where a graph is built, XLA compiles `function`, which fuses its many small operations into a few.

    Each piece is compiled by itself on purpose. Together XLA would fuse them as well, and compute the weights of a sum,
    or the rows it adds up, anew for every pixel that they go into. Tensors of unknown size are left to TensorFlow,
    because XLA compiles, for seconds, for every size that comes.

    Args:
        function: of tensors, to a tensor.
    """

    # One for all views and pipelines of a process: what is traced for some sizes is not traced, or compiled, again.
    traced = tf.function(function, jit_compile=True, autograph=False)

    @functools.wraps(function)
    def call(*tensors):
        if tf.executing_eagerly() or any(None in tensor.shape[1:] for tensor in tensors):
            return function(*tensors)
        return traced(*tensors)

    return call


def compilable(optimizer: keras.optimizers.Optimizer, gradients: Sequence[tf.Tensor]) -> bool:
    """Whether XLA can run the update of `optimizer` with `gradients` in one pass over memory, and that saves time.

    The variables must exist already, every gradient must be a dense tensor, and there must be no strategy. Only Keras'
    optimizers and this package's are compiled; another may do what XLA cannot. A loss-scaling optimizer is left
    alone, and so are Muon, since XLA multiplies matrices slowly on a CPU (bfloat16 at a third of the speed), and a
    model on an accelerator, where Keras compiles the whole step.
    """
    known = type(optimizer).__module__.split(".")[0] in ("keras", __name__.split(".")[0])
    return (
        known
        and optimizer.built
        and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer | keras.optimizers.Muon | Muon)
        and all(tf.is_symbolic_tensor(g) and isinstance(g, tf.Tensor) for g in gradients)
        and not tf.distribute.has_strategy()
        and not has_accelerator()
    )

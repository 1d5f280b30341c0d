"""Layer-wise adaptive rate scaling, as the BYOL authors run it."""

from typing import Any

import keras
from keras import ops

from ..errors import InputError
from ..utils.private_api import variable_index

# Names under which Keras layers hold biases and the parameters of normalization layers.
NOT_ADAPTED = ("bias", "gamma", "beta")


@keras.saving.register_keras_serializable("byol_keras")
class LARS(keras.optimizers.Optimizer):
    """SGD with momentum whose step is scaled, per weight matrix, by eta * |p| / |g|.

    For each parameter p with gradient g:

        g' = g + weight_decay * p
        a  = g' * (eta * |p| / |g'|)       the ratio is 1 where either norm is 0
        m  = momentum * m + a
        p  = p - learning_rate * m

    Biases and the parameters of normalization layers (every 1-D variable, and `bias`, `gamma`, `beta` of any rank) get
    neither weight decay nor the ratio: a = g. No Nesterov, no epsilon. Source: You et al. 2017 (arXiv 1708.03888),
    in the variant of the BYOL authors' code.

    Args:
        learning_rate: number or `LearningRateSchedule`.
        momentum: in [0, 1).
        weight_decay: at least 0, added to the gradient before the norm is taken (not decoupled as in AdamW).
        eta: the trust coefficient, > 0.

    Raises:
        ValueError: for a value out of range.

    Example:
        model.compile(optimizer=bk.LARS(learning_rate=0.2, weight_decay=1.5e-6))
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.2,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        eta: float = 1e-3,
        name: str = "lars",
        **kwargs: Any,
    ):
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}")
        if weight_decay is None or weight_decay < 0:
            raise ValueError(f"`weight_decay` must be at least 0. Received: weight_decay={weight_decay}")
        if eta <= 0:
            raise ValueError(f"`eta` must be positive. Received: eta={eta}")
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.eta = eta

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.momentums = [self.add_variable_from_reference(variable, "momentum") for variable in variables]
        self._adapted = [len(v.shape) > 1 and v.name not in NOT_ADAPTED for v in variables]

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Raises InputError: which variables decay is a part of the method, see the class."""
        raise InputError("LARS decays kernels and leaves out biases and batch norm by itself: it takes no exceptions.")

    def _apply_weight_decay(self, variables):
        """Switches off Keras' decoupled decay: here the decay is part of the gradient, see `update_step`."""

    def update_step(
        self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.KerasTensor
    ) -> None:
        index = variable_index(self, variable)
        momentum = self.momentums[index]
        step = ops.cast(gradient, variable.dtype)
        if self._adapted[index]:
            parameter = ops.convert_to_tensor(variable)
            step = step + ops.cast(self.weight_decay, variable.dtype) * parameter
            parameter_norm, step_norm = _norm(parameter), _norm(step)
            both = ops.logical_and(parameter_norm > 0, step_norm > 0)
            # The inner `where` keeps 0 / 0 out of the branch that is not taken.
            ratio = self.eta * parameter_norm / ops.where(both, step_norm, 1.0)
            step = step * ops.where(both, ratio, 1.0)
        self.assign(momentum, ops.cast(self.momentum, variable.dtype) * momentum + step)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * momentum)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "weight_decay": self.weight_decay,
            "eta": self.eta,
        }


def _norm(x):
    """Euclidean norm over all elements; `ops.norm` takes matrices at most."""
    return ops.sqrt(ops.sum(ops.square(x)))

"""Muon: momentum whose steps are orthogonalized, for dense and convolutional layers."""

import math
from typing import Any

import keras
from keras import ops

from ..precision import dtype_policy
from ..utils.private_api import variable_index

# Of the quintic polynomial of one iteration, and how many there are: Jordan et al. 2024.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
# Names under which Keras layers hold what may have two axes and is no matrix of inputs by outputs: the biases of
# attention's heads, tables of embeddings.
NO_MATRICES = ("bias", "embeddings")
# As attention calls the layers whose weights are (inputs, heads, size of a head).
PROJECTIONS = ("query", "key", "value")
# The root mean square of an update of Adam, about: Liu et al. 2025, 2.2.
ADAM_RMS = 0.2


@keras.saving.register_keras_serializable("byol_keras")
class Muon(keras.optimizers.Optimizer):
    """Momentum whose steps are orthogonalized, for weights that are matrices; Adam for all others.

    For the weights p of a dense layer, (inputs, outputs), those of a convolution taken as the matrix
    (height * width * inputs, outputs), and attention's of queries, keys and values as (inputs, heads * size of a head),
    with gradient g:

        m = momentum * m + g
        u = orthogonalized(g + momentum * m)
        p = p - learning_rate * (0.2 * sqrt(max(rows, columns)) * u + weight_decay * p)

    The factor makes an update about as large as Adam's, so that learning rates and weight decays of AdamW are of the
    right size. Biases, tables of embeddings, the parameters of normalization layers, and matrices of one row or column
    go by Adam, with the same rate and decay. `keras.optimizers.Muon` leaves convolutions to Adam. Source: Jordan et al.
    2024 (https://kellerjordan.github.io/posts/muon/); the factor: Liu et al. 2025 (arXiv 2502.16982).

    Args:
        learning_rate: number or `LearningRateSchedule`.
        momentum: in [0, 1).
        weight_decay: at least 0, decoupled, of every weight.
        beta_1, beta_2, epsilon: of Adam.
        precision: in which matrices are multiplied: "float32", which is that of the weights, "bfloat16", or "auto", see
            `dtype_policy`.

    Raises:
        ValueError: for a value out of range.

    Example:
        model.compile(optimizer=bk.Muon(learning_rate=5e-3, weight_decay=1e-4))
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 2e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        precision: str = "auto",
        name: str = "muon",
        **kwargs: Any,
    ):
        for argument, value in (("momentum", momentum), ("beta_1", beta_1), ("beta_2", beta_2)):
            if not 0 <= value < 1:
                raise ValueError(f"`{argument}` must be in [0, 1). Received: {argument}={value}")
        if weight_decay is None or weight_decay < 0:
            raise ValueError(f"`weight_decay` must be at least 0. Received: weight_decay={weight_decay}")
        if precision not in ("auto", "float32", "bfloat16"):
            raise ValueError(f"`precision` must be auto, float32 or bfloat16. Received: precision={precision!r}")
        super().__init__(learning_rate=learning_rate, weight_decay=weight_decay, name=name, **kwargs)
        self.momentum = momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.precision = precision
        self._in_bfloat16 = dtype_policy(precision) == "mixed_bfloat16"

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.momentums = [self.add_variable_from_reference(variable, "momentum") for variable in variables]
        # Noted here: what an update is given is TensorFlow's variable, which does not know its layer.
        self._rows = [_rows(variable) for variable in variables]
        # None for a matrix, which has no second moment.
        self.velocities = [
            None if _is_matrix(variable) else self.add_variable_from_reference(variable, "velocity")
            for variable in variables
        ]

    def update_step(
        self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.KerasTensor
    ) -> None:
        index = variable_index(self, variable)
        gradient, rate = ops.cast(gradient, variable.dtype), ops.cast(learning_rate, variable.dtype)
        moment, velocity = self.momentums[index], self.velocities[index]
        if velocity is None:
            self.assign(moment, self.momentum * moment + gradient)
            step = self._step_of(gradient + self.momentum * moment, self._rows[index])
        else:
            self.assign(moment, self.beta_1 * moment + (1 - self.beta_1) * gradient)
            self.assign(velocity, self.beta_2 * velocity + (1 - self.beta_2) * ops.square(gradient))
            count = ops.cast(self.iterations + 1, variable.dtype)
            rate = rate * ops.sqrt(1 - self.beta_2**count) / (1 - self.beta_1**count)
            step = moment / (ops.sqrt(velocity) + self.epsilon)
        self.assign_sub(variable, rate * step)

    def _step_of(self, moment, rows):
        matrix = ops.reshape(moment, (rows, -1))
        step = orthogonalized(matrix, "bfloat16" if self._in_bfloat16 else None)
        return ops.reshape(ADAM_RMS * max(matrix.shape) ** 0.5 * step, moment.shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "precision": self.precision,
        }


def orthogonalized(matrix: keras.KerasTensor, dtype: str | None = None) -> keras.KerasTensor:
    """About U V' of the singular value decomposition U S V' of a matrix, by Newton-Schulz iterations.

    Args:
        matrix: (M, N) floats.
        dtype: in which matrices are multiplied; None: in that of `matrix`.

    Returns:
        (M, N) in the dtype of `matrix`: singular values that are not far below the largest become 0.7 to 1.2; zeros
        for a matrix of zeros. Source: Jordan et al. 2024.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix / ops.maximum(ops.sqrt(ops.sum(ops.square(matrix))), 1e-7)
    x = ops.cast(ops.transpose(x) if tall else x, dtype or matrix.dtype)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return ops.cast(ops.transpose(x) if tall else x, matrix.dtype)


def _is_matrix(variable):
    """Whether a weight is one of a dense layer or a convolution, with more than one input and output."""
    size, rows = math.prod(variable.shape), _rows(variable)
    return variable.name not in NO_MATRICES and len(variable.shape) > 1 and min(rows, size // rows) > 1


def _rows(variable):
    """How many inputs a weight has: all its axes but the last one are inputs, save those of attention's heads."""
    shape = variable.shape
    of_heads = len(shape) == 3 and f"/{variable.path}".split("/")[-2] in PROJECTIONS
    return shape[0] if of_heads else math.prod(shape[:-1])

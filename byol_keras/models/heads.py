"""The projector and the predictor: one architecture, two sets of weights."""

import keras

from .layers import batch_norm


def mlp(input_dim, hidden_dim=4096, output_dim=256, dtype=None, name=None):
    """Dense(hidden, bias) -> BatchNorm -> ReLU -> Dense(output, no bias), with no batch norm on the output.

    Args:
        input_dim: int, D of the (B, D) input.
        hidden_dim: int, width of the hidden layer.
        output_dim: int, width of the output.
        dtype: dtype policy of the layers; the global one by default.
        name: name of the model.

    Returns:
        keras.Sequential, (B, input_dim) -> (B, output_dim). Source: Grill et al. 2020, section 3.2.
    """
    return keras.Sequential(
        [
            keras.Input((input_dim,)),
            keras.layers.Dense(hidden_dim, dtype=dtype),
            batch_norm(dtype=dtype),
            keras.layers.ReLU(dtype=dtype),
            keras.layers.Dense(output_dim, use_bias=False, dtype=dtype),
        ],
        name=name,
    )

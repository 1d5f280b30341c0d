"""The projector and the predictor: one architecture, two sets of weights."""

import keras

from .layers import batch_norm


def mlp(
    input_dim: int,
    hidden_dim: int = 4096,
    output_dim: int = 256,
    dtype: str | keras.DTypePolicy | None = None,
    name: str | None = None,
) -> keras.Sequential:
    """Dense(hidden, bias) -> BatchNorm -> ReLU -> Dense(output, no bias), with no batch norm on the output.

    Args:
        input_dim: D of the (B, D) input.
        hidden_dim: width of the hidden layer.
        output_dim: width of the output.
        dtype: dtype policy of the layers; the global one by default.
        name: name of the model.

    Returns:
        keras.Sequential, (B, input_dim) -> (B, output_dim). Source: Grill et al. 2020, section 3.2.

    Example:
        model = bk.BYOL(encoder, projector=bk.mlp(512, 1024, 128), predictor=bk.mlp(128, 1024, 128))
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

"""A twin of a float32 model that computes in bfloat16, for embedding many images in less time."""

import keras

from .errors import InputError
from .float32_copy import carry_weights

# What makes up the time of an encoder. Everything else stays as it is, above all the normalization of the pixels, which
# bfloat16 would round to 8 bits before the mean is taken off, and the pooling at the end, which adds many numbers up.
HALVED = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.AveragePooling2D,
    keras.layers.BatchNormalization,
    keras.layers.Concatenate,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.MaxPooling2D,
    keras.layers.Multiply,
    keras.layers.ReLU,
    keras.layers.ZeroPadding2D,
)


def bfloat16_copy(model):
    """The same network and weights with its float32 layers of the classes in HALVED under `mixed_bfloat16`.

    Args:
        model: a functional or sequential keras.Model, models inside it included. It is not changed.

    Returns:
        keras.Model. Its embeddings differ by rounding, about a hundredth of their size.

    Raises:
        InputError: for a model written as a class, whose layers cannot be exchanged.
    """
    if not getattr(model, "inputs", None):
        raise InputError(
            f"Only functional and sequential models can be copied to bfloat16; use float32. Received: {model.name}"
        )

    def copied(layer):
        config = layer.get_config()
        if type(layer) in HALVED and layer.dtype_policy.name == "float32":
            config["dtype"] = "mixed_bfloat16"
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=copied, recursive=True)
    carry_weights(model, copy)
    return copy

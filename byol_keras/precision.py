"""Which arithmetic a model computes in, and copies of a model in another."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras

from .errors import InputError, first_line
from .utils.private_api import all_layers

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
HALF = {"bfloat16", "float16", "mixed_bfloat16", "mixed_float16"}
# Layers that take the time of an encoder. `cast_model` to bfloat16 leaves the others as they are, above all the
# normalization of the pixels, which bfloat16 would round to 8 bits before the mean is subtracted, and the pooling at
# the end, which adds many numbers up.
COSTLY = {
    "Activation",
    "Add",
    "AveragePooling2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "DepthwiseConv2D",
    "MaxPooling2D",
    "Multiply",
    "ReLU",
    "ZeroPadding2D",
}


def dtype_policy(precision: str) -> str:
    """The name of the Keras dtype policy for a precision.

    Args:
        precision: "float32", "bfloat16", "float16", or "auto": bfloat16 where the machine multiplies in it (a GPU of
            compute capability 8.0 or more, a TPU, or, without an accelerator, a CPU with AVX-512 BF16 or AMX),
            otherwise float32.

    Returns:
        str. In the mixed policies the weights, the loss and the target's average stay float32.

    Raises:
        InputError: for any other precision.
    """
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16() else "float32"
    if precision not in POLICIES:
        raise InputError(f"No precision is called {precision!r}; choose one of auto, {', '.join(POLICIES)}.")
    return POLICIES[precision]


@contextlib.contextmanager
def policy_scope(policy: str) -> Iterator[None]:
    """A context in which the layers that are made have the Keras dtype policy of the name `policy`."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def cast_model(model: keras.Model, dtype: str) -> keras.Model:
    """A copy of a model, with the same weights, that computes in another precision.

    Args:
        model: a built keras.Model, nested models included. It is not changed.
        dtype: "float32": every layer of half precision computes and stores in float32. "bfloat16": the float32 layers
            that take the time (convolution, batch norm, activation) get the policy mixed_bfloat16; what such a copy
            computes differs by rounding, about a hundredth of its size.

    Returns:
        keras.Model, not compiled; the model itself if it is float32 throughout and wanted in float32.

    Raises:
        InputError: for a model that cannot be rebuilt from its configuration, for a layer whose class chooses half
            precision itself (float32), for a model written as a class (bfloat16), for another dtype.
    """
    if dtype == "float32":
        if not _half_precision_layers(model):
            return model
        copy = _rebuilt(model, _to_float32, "float32")
        if remaining := _half_precision_layers(copy):
            raise InputError(_cannot_copy(model, f"these layers fix their own dtype: {', '.join(remaining)}"))
    elif dtype == "bfloat16":
        if not getattr(model, "inputs", None):
            raise InputError(
                f"Only functional and sequential models can be copied to bfloat16; use float32. Received: {model.name}"
            )
        copy = _rebuilt(model, _to_bfloat16, "float32")
    else:
        raise InputError(f"Models can be copied to float32 and bfloat16. Received: dtype={dtype!r}")
    copy_weights(model, copy)
    return copy


def copy_model(model: keras.Model) -> keras.Model:
    """A second model of the same architecture, precision and weights; not compiled.

    Raises:
        InputError: for a model that cannot be rebuilt from its configuration.
    """
    copy = _rebuilt(model, lambda config: config, model.dtype_policy.name)
    copy_weights(model, copy)
    return copy


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Gives `target`, of the same architecture, the weights of `source`, whatever precision either computes in."""
    # Not set_weights: a Normalization layer computes its constants when it is loaded, and only then.
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "model.weights.h5"
        source.save_weights(weights)
        target.load_weights(weights)


def _rebuilt(model, changed, policy):
    """A model with fresh weights made from the configuration of `model`, each dictionary in it replaced by changed."""
    # Not clone_model: it makes plain functional models of the user's subclasses, and needs a second way for all others.
    try:
        config = _mapped(keras.saving.serialize_keras_object(model), changed)
    except NotImplementedError as error:
        raise InputError(_cannot_copy(model, "it has no get_config()")) from error
    classes = {type(layer).__name__: type(layer) for layer in all_layers(model)}
    # Layers which a custom class makes in its own __init__ follow the global policy, not the configuration.
    try:
        with policy_scope(policy):
            return keras.saving.deserialize_keras_object(config, custom_objects=classes, safe_mode=False)
    except (TypeError, ValueError) as error:
        raise InputError(_cannot_copy(model, first_line(error))) from error


def _mapped(config, changed):
    """A serialized configuration without the compilation, changed(dictionary) in place of every dictionary in it."""
    if isinstance(config, list | tuple):
        return type(config)(_mapped(item, changed) for item in config)
    if not isinstance(config, dict):
        return config
    return changed({key: _mapped(value, changed) for key, value in config.items() if key != "compile_config"})


def _to_float32(config):
    if config.get("class_name") == "DTypePolicy" and config["config"]["name"] in HALF:
        return {**config, "config": {**config["config"], "name": "float32"}}
    # `keras.ops.cast` in a functional model names its dtype in a string.
    return {**config, "dtype": "float32"} if config.get("dtype") in tuple(HALF) else config


def _to_bfloat16(config):
    if config.get("module") != "keras.layers" or config["class_name"] not in COSTLY:
        return config
    if keras.dtype_policies.get(config["config"]["dtype"]).name != "float32":
        return config
    return {**config, "config": {**config["config"], "dtype": "mixed_bfloat16"}}


def _half_precision_layers(model):
    """Names of the layers, at any depth, that compute or store in bfloat16 or float16."""
    return [layer.name for layer in all_layers(model) if {layer.compute_dtype, layer.variable_dtype} & HALF]


def _cannot_copy(model, reason):
    return (
        f"Cannot copy the model: {reason}. Make its configuration complete (get_config, from_config) or build it in "
        f"the precision it is to have. Received: model={model.name} ({type(model).__name__})"
    )


def _has_bfloat16():
    import tensorflow as tf

    if tf.config.list_physical_devices("TPU"):
        return True
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(d.get("compute_capability", (0, 0)) >= (8, 0) for d in details)
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags

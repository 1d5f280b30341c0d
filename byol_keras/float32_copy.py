"""A float32 twin of a model that computes in bfloat16 or float16, for export and for measuring."""

import tempfile
from pathlib import Path

import keras

from .errors import InputError
from .precision import policy_scope
from .utils.private_api import all_layers

HALF = {"bfloat16", "float16", "mixed_bfloat16", "mixed_float16"}


def float32_copy(model: keras.Model) -> keras.Model:
    """Return a model with the same weights in which every layer computes in float32 and stores float32.

    model: a built keras.Model of any dtype policy, nested models included. It is not changed.

    A model that is float32 throughout is returned as it is. Otherwise the copy is rebuilt from the configuration
    with each half precision dtype replaced by float32, and the weights are carried over. The copy is not compiled.

    Raises InputError if the model cannot be rebuilt from its configuration, or if a layer stays in half precision
    because its class chooses the dtype itself.
    """
    if not _half_precision_layers(model):
        return model
    try:
        config = _to_float32(keras.saving.serialize_keras_object(model))
    except NotImplementedError as error:
        raise InputError(_cannot_rebuild(model, "it has no get_config()")) from error

    # Layers which a custom class makes in its own __init__ follow the global policy, not the configuration.
    try:
        with policy_scope("float32"):
            copy = keras.saving.deserialize_keras_object(config, safe_mode=False)
    except (TypeError, ValueError) as error:
        raise InputError(_cannot_rebuild(model, str(error).strip().split("\n")[0])) from error

    carry_weights(model, copy)
    if remaining := _half_precision_layers(copy):
        raise InputError(_cannot_rebuild(model, f"these layers fix their own dtype: {', '.join(remaining)}"))
    return copy


def carry_weights(model: keras.Model, copy: keras.Model) -> None:
    """Give `copy`, of the same architecture, the weights of `model`."""
    # Not set_weights: a Normalization layer computes its constants when it is loaded, and only then.
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "model.weights.h5"
        model.save_weights(weights)
        copy.load_weights(weights)


def _half_precision_layers(model: keras.Model) -> list[str]:
    """Names of the layers, at any depth, that compute or store in bfloat16 or float16."""
    return [layer.name for layer in all_layers(model) if layer.compute_dtype in HALF or layer.variable_dtype in HALF]


def _to_float32(config):
    """The same configuration with every half precision dtype replaced and without the compilation."""
    if isinstance(config, list | tuple):
        return type(config)(_to_float32(item) for item in config)
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy" and config["config"]["name"] in HALF:
        return {**config, "config": {**config["config"], "name": "float32"}}
    return {
        key: "float32" if key == "dtype" and isinstance(value, str) and value in HALF else _to_float32(value)
        for key, value in config.items()
        if key != "compile_config"
    }


def _cannot_rebuild(model: keras.Model, reason: str) -> str:
    return (
        f"Cannot make a float32 copy of the model: {reason}. Make its configuration complete (get_config, from_config) "
        f"or build it under the float32 policy. Received: model={model.name} ({type(model).__name__})"
    )

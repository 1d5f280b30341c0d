"""What the formats have in common that Keras itself can write: ONNX and OpenVINO."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import tensorflow as tf

from byol_keras.errors import InputError, first_line
from byol_keras.precision import cast_model
from byol_keras.utils.atomic import atomic_path, check_writable
from byol_keras.utils.disk_error import disk_error
from byol_keras.utils.extras import require_extra

from ..card.provenance import file_provenance, write_description
from ..encoder import encode, image_shape
from ..graph.archive import trace
from ..graph.frozen_graph import frozen


def write_with_keras(
    encoder: keras.Model,
    path: str | os.PathLike,
    format: str,
    suffix: str,
    package: str,
    annotate: Callable[[Path, Mapping], None],
    weights_suffix: str | None = None,
    provenance: Mapping | None = None,
) -> Path:
    """Writes an encoder with `keras.Model.export`.

    Args:
        encoder: keras.Model, as for `onnx`.
        path: the file to create, or to replace once the new one is complete.
        format: as Keras calls it, which is also the name of our function.
        suffix: with which `path` must end.
        package: name of the module that Keras needs for the format.
        annotate: writes what is known of the encoder into the file at a path.
        weights_suffix: of the file that is written beside `path` with the weights, if one is.
        provenance: as for `onnx`.

    Returns:
        The path.

    Raises:
        InputError: if `package` is not installed, if the path cannot be written, if the encoder has another form, or an
            operation that the format has not.
    """
    path = Path(path)
    if path.suffix != suffix:
        raise InputError(f"{format}: the name of the file must end in {suffix}. Received: path={path}")
    check_writable(path)
    require_extra(f"{format}: writing it", package)
    height, width, channels = image_shape(encoder)
    facts = file_provenance(encoder, provenance)
    encoder = cast_model(encoder, "float32")
    # tf2onnx makes inputs of the constants that a function captures, such as those of a Normalization layer. A frozen
    # function captures nothing.
    core = frozen(trace(lambda images: encode(encoder, images), tf.TensorSpec((None, height, width, channels))))
    inputs = keras.Input((height, width, channels), name="images")
    shape = tuple(core.outputs[0].shape[1:])
    layer = keras.layers.Lambda(lambda images: tf.nest.flatten(core(images))[0], shape, dtype="float32")
    model = keras.Model(inputs, layer(inputs))
    signature = [keras.InputSpec(shape=(None, height, width, channels), dtype="float32", name="images")]
    with atomic_path(path) as target:
        try:
            try:
                model.export(str(target), format=format, verbose=False, input_signature=signature)
            except (NotImplementedError, RuntimeError, TypeError, ValueError) as error:
                if disk_error(path, error, target) is not None:
                    raise  # for `atomic_path` to say
                raise InputError(
                    f"{format}: {package} cannot convert the encoder. Replace the layer that it names, or export "
                    f"another format. Received: {first_line(error)}"
                ) from error
            annotate(target, facts)
            if weights_suffix:  # moved first, so that `path` never stands without them
                target.with_suffix(weights_suffix).replace(path.with_suffix(weights_suffix))
        finally:
            if weights_suffix:
                target.with_suffix(weights_suffix).unlink(missing_ok=True)
    write_description(path, facts)
    return path

"""An encoder for Core ML: iPhones, iPads and Macs."""

import gc
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import keras
import tensorflow as tf

from byol_keras.errors import InputError
from byol_keras.precision import cast_model
from byol_keras.utils.atomic import atomic_path, check_writable
from byol_keras.utils.extras import require_extra
from byol_keras.utils.quiet import CORE_ML, quiet

from ..card.provenance import file_provenance, value_range_in
from ..encoder import encode, image_shape
from ..graph.archive import trace
from ..graph.frozen_graph import frozen

SUFFIX = ".mlpackage"


def coreml(encoder: keras.Model, path: str | os.PathLike, provenance: Mapping | None = None) -> Path:
    """Writes `encoder` as a Core ML package, an ML Program for iOS 15 and macOS 12 or later.

    It takes `images`, one image as a pixel buffer of the encoder's size, RGB or gray, as Vision hands it over, and
    gives `embedding`, (1, D) float32. Pixels are divided by 255 in it; it computes in float16, as the Neural Engine
    does. Core ML is part of macOS: on other systems the package can be written and not run, so `check_parity` has no
    such format. On a Mac, `coremltools.models.MLModel(path).predict({"images": image})` runs it.

    Args:
        encoder: keras.Model with one input, images (B, H, W, C) float32 in [0, 1] of fixed size, C 1 or 3, and one
            output (B, D). An encoder in half precision is exported as its float32 copy.
        path: the folder to create; ends in ".mlpackage" and is not there yet.
        provenance: what is known of the encoder, see `provenance_of`; by default what the encoder itself tells. It is
            `provenance` in the model's user-defined metadata, as JSON.

    Returns:
        The path.

    Raises:
        InputError: if coremltools is not installed, if the path exists or cannot be written, if the encoder has another
            form, a value range, or an operation that coremltools does not know.

    Example:
        encoder = bk.resnet18(input_shape=(32, 32, 3))
        bk.export.coreml(encoder, "encoder.mlpackage")
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise InputError(f"coreml: the name of the package must end in {SUFFIX}. Received: path={path}")
    if path.exists():
        raise InputError(f"coreml: {path} exists already. Remove it, or name another. Received: path={path}")
    check_writable(path)
    if (ends := value_range_in(provenance)) is not None:
        raise InputError(
            "coreml: a package takes images of 8 bits, and the encoder values in a range of their own: export a "
            f".tflite or ONNX. Received: provenance with value_range {ends[0]:g} to {ends[1]:g}"
        )
    require_extra("coreml: writing it", "coremltools")
    height, width, channels = image_shape(encoder)
    if height is None or width is None or channels not in (1, 3):
        raise InputError(
            "coreml: a package takes images of one size, RGB or gray. Build the encoder with a fixed height and width. "
            f"Received: encoder={encoder.name} with input (B, {height}, {width}, {channels})"
        )
    facts = file_provenance(encoder, provenance)
    encoder = cast_model(encoder, "float32")
    spec, refused = tf.TensorSpec((1, height, width, channels), name="images"), ""
    with quiet(CORE_ML), warnings.catch_warnings():
        # coremltools leaves its temporary folders to the garbage collector, which then says so.
        warnings.simplefilter("ignore", ResourceWarning)
        # A SavedModel of Keras 3 is refused; a function of constants is what coremltools makes of one in the end.
        function = frozen(trace(lambda images: encode(encoder, images), spec))
        try:
            with atomic_path(path) as target:
                _converted(function, spec.shape, facts).save(str(target))
        except (ValueError, NotImplementedError) as error:
            if isinstance(error, InputError):
                raise
            refused = " ".join(str(error).split())[:300]
        gc.collect()
    if refused:
        raise InputError(
            "coreml: coremltools cannot convert the encoder. Replace the layer that it names, or export another "
            f"format. Received: {refused}"
        )
    return path


def _converted(function: tf.types.experimental.ConcreteFunction, shape: tf.TensorShape, facts: Mapping):
    """A coremltools.models.MLModel."""
    import coremltools

    image = coremltools.ImageType(
        name=function.inputs[0].op.name,
        shape=tuple(shape),
        scale=1 / 255,
        color_layout=coremltools.colorlayout.RGB if shape[3] == 3 else coremltools.colorlayout.GRAYSCALE,
    )
    model = coremltools.convert(
        [function],
        source="tensorflow",
        inputs=[image],
        convert_to="mlprogram",
        minimum_deployment_target=coremltools.target.iOS15,
        skip_model_load=True,  # which only a Mac can
    )
    spec = model.get_spec()
    spec.description.metadata.license = facts["license"]
    spec.description.metadata.userDefined["provenance"] = json.dumps(facts)
    coremltools.utils.rename_feature(spec, spec.description.output[0].name, "embedding")
    return coremltools.models.MLModel(spec, weights_dir=model.weights_dir, skip_model_load=True)

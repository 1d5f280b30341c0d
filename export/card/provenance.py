"""What made an exported file: the facts that stand in it or beside it, as one dict."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from byol_keras._version import __version__
from byol_keras.errors import InputError
from byol_keras.evaluation.linear_head import LinearHead
from byol_keras.models.fingerprint import SHOWN, fingerprint
from byol_keras.models.log_mel import hop_length
from byol_keras.models.mel_input import mel_rate
from byol_keras.utils.atomic import write_files
from byol_keras.utils.checksum import sha256_of
from byol_keras.utils.private_api import all_layers

from ..encoder import image_shape
from ..formats.neighbor_index import NeighborIndex

NOT_STATED = "not stated"


def provenance_of(encoder: keras.Model, training: Mapping | None = None, license: str | None = None) -> dict:
    """The facts about an encoder that its exported files come with.

    Args:
        encoder: keras.Model, as for `saved_model`.
        training: how it came about, such as `Run.facts`; None where that is not known.
        license: under which the files are given away: an SPDX identifier, or another name; None where nobody said.

    Returns:
        dict, ready for JSON: `made_by`, versions of byol_keras, Keras and TensorFlow; `license`; `encoder`, with its
        `fingerprint`; `preprocessing`, what becomes of an image before the first layer; `training`.

    Raises:
        InputError: if the encoder is none that can be exported, or the license is empty or no single line.

    Example:
        run = bk.load_run("runs/photos")
        facts = bk.export.provenance_of(run.encoder, run.facts, license="cc-by-4.0")
        bk.export.saved_model(run.encoder, "serving/encoder/1", provenance=facts)
    """
    height, width, channels = image_shape(encoder)
    if license is not None and (not license.strip() or not license.isprintable()):
        raise InputError(f"A license is a name in one line, such as apache-2.0. Received: license={license!r}")
    return {
        "made_by": {"byol_keras": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
        "license": NOT_STATED if license is None else license.strip(),
        "encoder": {
            "name": encoder.name,
            "fingerprint": fingerprint(encoder),
            "input": [height, width, channels],
            "parameters": encoder.count_params(),
        },
        "preprocessing": preprocessing(encoder),
        "training": None if training is None else dict(training),
    }


def preprocessing(encoder: keras.Model) -> dict:
    """What becomes of an image before the first layer: by a SavedModel itself, by the caller of other files.

    Args:
        encoder: keras.Model, as for `saved_model`.

    Returns:
        dict: `channels`, `resize`, `range`, `exif_orientation`, and `normalization`, which is in the network; of an
        encoder of recordings `sample_rate`, `samples`, `seconds`, `range` and `normalization`.
    """
    height, width, channels = image_shape(encoder)
    if (rate := mel_rate(encoder)) is not None:
        samples = width * hop_length(rate)
        return {
            "sample_rate": rate,
            "samples": samples,
            "seconds": samples / rate,
            "range": [-1.0, 1.0],
            "normalization": normalization(encoder),
        }
    return {
        "channels": {1: "gray", 3: "RGB"}.get(channels, f"{channels} channels"),
        "resize": _resize(height, width),
        "range": [0.0, 1.0],
        "exif_orientation": "applied to files",
        "normalization": normalization(encoder),
    }


def _resize(height: int | None, width: int | None) -> str:
    if height is None or width is None:
        return "none: images as they are"
    return "central square, bicubic, antialiased" if height == width else "none: images of this size only"


def value_range_in(provenance: Mapping | None) -> tuple[float, float] | None:
    """The numbers in files that the encoder gets as 0 and 1, where its run stated others than all of 8 or 16 bits.

    Args:
        provenance: as `provenance_of` gives it, or None.
    """
    training = (provenance or {}).get("training") or {}
    return tuple(training["value_range"]) if training.get("value_range") else None


def normalization(encoder: keras.Model) -> dict:
    """That it is done inside the network, with the first Normalization layer's figures where there is one."""
    for layer in all_layers(encoder):
        if isinstance(layer, keras.layers.Normalization):
            mean, variance = (np.ravel(np.float32(value)).tolist() for value in (layer.mean, layer.variance))
            std = [float(np.sqrt(v)) for v in variance]
            return {"where": "in the network; do not normalize the images", "mean": mean, "std": std}
    return {"where": "in the network, if any; do not normalize the images", "mean": None, "std": None}


def file_provenance(
    encoder: keras.Model,
    provenance: Mapping | None,
    head: LinearHead | None = None,
    index: NeighborIndex | None = None,
    image_size: int | None = None,
) -> dict:
    """The facts for one file: those given, or what is known without, and what the file has beside the encoder.

    Args:
        encoder: that is exported.
        provenance: as `provenance_of` gives it, or None.
        head, index: that are exported with it: `classes` and `neighbors` name their number, and the fingerprint of
            the encoder whose embeddings they were made from, None where that is not known.
        image_size: to which the file resizes images for an encoder with a free height and width.

    Returns:
        dict, ready for JSON.

    Raises:
        InputError: if `provenance` is of another encoder.
    """
    if provenance is None:
        facts = provenance_of(encoder)
    else:
        facts, own = dict(provenance), fingerprint(encoder)
        stated = str((facts.get("encoder") or {}).get("fingerprint"))
        if stated != own:
            raise InputError(
                "The provenance is of another encoder: take `provenance_of` this one. "
                f"Received: provenance of encoder {stated[:SHOWN]}, this is {own[:SHOWN]}"
            )
    if image_size is not None:
        facts["encoder"] = {**facts["encoder"], "input": [image_size, image_size, facts["encoder"]["input"][2]]}
        facts["preprocessing"] = {**facts["preprocessing"], "resize": _resize(image_size, image_size)}
    if head is not None:
        facts["classes"] = {"names": list(head.labels), "encoder": head.encoder}
    if index is not None:
        facts["neighbors"] = {"images": len(index.names), "encoder": index.encoder}
    return facts


def write_description(path: str | os.PathLike, provenance: Mapping) -> Path:
    """Writes PATH.json beside a file that has no description of its own: `file`, `sha256`, `size_bytes`, `provenance`.

    Args:
        path: of the file, which is there.
        provenance: as `file_provenance` gives it.

    Returns:
        The path of the description.
    """
    path = Path(path)
    described = {"file": path.name, "sha256": sha256_of(path), "size_bytes": path.stat().st_size}
    beside = path.with_name(path.name + ".json")
    write_files({beside: (json.dumps({**described, "provenance": provenance}, indent=2) + "\n").encode()})
    return beside

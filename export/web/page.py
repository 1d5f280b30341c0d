"""A static page that embeds images in the visitor's browser."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from byol_keras.errors import InputError
from byol_keras.utils.html import render_page, write_page

from ..formats.tflite_metadata import sidecar_path
from ..formats.tflite_schema import ends
from .litert_js import copy_litert_js

HERE = Path(__file__).parent


def write_web_page(
    model: str | os.PathLike, out: str | os.PathLike, node_modules: str | os.PathLike | None = None
) -> Path:
    """Writes a page around a .tflite file, to be put on any file server: nothing is computed there.

    It embeds images that are picked or dropped, compares two, and tells classes apart of which it has been given
    examples, by WebGPU where the browser has it and WebAssembly otherwise. It asks no other server for anything.

    Args:
        model: a .tflite file of an encoder, one image a call, float32 in and out, as `tflite` writes by default; of 1
            or 3 channels, and without a value range, since a browser decodes images to 8 bits.
        out: folder, made if needed; gets index.html, its scripts, litert/ with LiteRT.js, and the model.
        node_modules: where LiteRT.js is, see `copy_litert_js`; None to fetch it with npm.

    Returns:
        Path of index.html.

    Raises:
        InputError: for a file of another kind or that cannot be read, and where LiteRT.js is not to be had.

    Example:
        bk.export.write_web_page(bk.export.tflite(encoder, "ship/encoder.tflite"), "page")
    """
    model, out = Path(model), Path(out)
    try:
        data = model.read_bytes()
    except OSError as error:
        raise InputError(f"Cannot read the .tflite file: {error.strerror}. Received: model={str(model)!r}") from error
    _check(data, model)
    out.mkdir(parents=True, exist_ok=True)
    copy_litert_js(out / "litert", node_modules)
    for path in sorted((HERE / "static").iterdir()):
        shutil.copyfile(path, out / path.name)
    if not (out / model.name).exists() or not (out / model.name).samefile(model):
        shutil.copyfile(model, out / model.name)
    # A name may have what means something else in an address.
    config = {"model": model.name, "address": quote(model.name), "sha256": hashlib.sha256(data).hexdigest()}
    # Last: a page that is there can be used.
    write_page(out / "index.html", render_page(HERE / "templates" / "index.html", title=model.stem, config=config))
    return out / "index.html"


def _check(data, model):
    source, results = ends(data)
    if "embedding" not in results:
        raise InputError(
            "The page shows and compares embeddings: export the file with its embedding. "
            f"Received: {model}, which gives {', '.join(results)}"
        )
    found = [source, *results.values()]
    if source.shape[0] != 1 or any(np.dtype(tensor.dtype) != np.float32 for tensor in found):
        raise InputError(
            "The page gives the file one image a call, in float32: export it with batch=1 and io='float32'. "
            f"Received: {model}, which takes {source.dtype} {list(source.shape)}"
        )
    if len(source.shape) != 4 or source.shape[1] != source.shape[2]:
        raise InputError(f"The page cuts images to squares. Received: {model}, which takes {list(source.shape)}")
    described = sidecar_path(model)
    value_range = json.loads(described.read_text())["input"].get("value_range") if described.exists() else None
    check_page_input(source.shape[3], value_range, model)


def check_page_input(channels: int, value_range: Sequence[float] | None, name: str | os.PathLike) -> None:
    """Raises InputError where an encoder takes images that no browser decodes.

    Args:
        channels: of its images.
        value_range: of its run, or None.
        name: of the encoder, for the message.
    """
    if channels not in (1, 3) or value_range is not None:
        takes = "" if value_range is None else f", values from {value_range[0]:g} to {value_range[1]:g}"
        raise InputError(
            "A browser decodes images to 8 bits, gray or RGB, and a page is for encoders of these. "
            f"Received: {name}, which takes {channels} {'channel' if channels == 1 else 'channels'}{takes}"
        )

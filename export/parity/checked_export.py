"""An export that gets its place only after it gave what Keras gives."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from byol_keras.errors import InputError
from byol_keras.utils.atomic import check_writable, make_parent
from byol_keras.utils.disk_error import cannot_write
from byol_keras.utils.disk_sync import sync_entries
from byol_keras.utils.part_file import open_part

from ..card.provenance import value_range_in
from ..encoder import image_shape
from ..formats.saved_model import check_version, saved_model
from ..source_images import open_for_encoder, sample_images
from .comparison import check_parity
from .parity import Parity, require_parity

COMPARED_IMAGES = 64


def checked(
    write: Callable[..., Path],
    encoder: keras.Model,
    path: str | os.PathLike,
    images: str | os.PathLike | np.ndarray,
    labeled: tuple[np.ndarray, np.ndarray] | None = None,
    **arguments: Any,
) -> Parity:
    """Exports an encoder, compares the file with Keras in a fresh process, and moves it to its place if it agrees.

    So does `byol-keras export`. Until then nothing is at `path` that a server would load, or what was there before.

    Args:
        write: `bk.export.saved_model`, `tflite`, `onnx` or `openvino`.
        encoder: as `write` takes it.
        path: as `write` takes it.
        images: to compare on: (N, H, W, C) uint8, N from 2, real and different ones; or a folder or another name of
            data, read in the value range of a `provenance`, of which COMPARED_IMAGES are used.
        labeled: see `check_parity`.
        **arguments: of `write`; with a `head` the predictions are compared too.

    Returns:
        `Parity`, which passed.

    Raises:
        InputError: as `write` and `check_parity` raise it.
        ParityError: if the file differs from Keras by more than its format may, or does not run.

    Example:
        bk.export.checked(bk.export.saved_model, encoder, "serving/encoder/1", "photos")
    """
    path = Path(path)
    if write is saved_model:
        check_version(path)
    else:
        check_writable(path)
    image_size = arguments.get("image_size")
    images = _compared(images, encoder, image_size, value_range_in(arguments.get("provenance")))
    folder = path.absolute().parent
    make_parent(folder / "unchecked")
    with open_part(folder / "unchecked") as unchecked:
        unchecked.mkdir()
        # Under the names that it shall have: a SavedModel's requests to warm up with name their model.
        written = write(encoder, unchecked / folder.name / path.name, **arguments)
        name = f"{folder.name}/{path.name}" if write is saved_model else path.name
        (parity,) = check_parity(encoder, {name: written}, images, labeled, arguments.get("head"), image_size)
        require_parity([parity])
        place(written.parent, folder)
    return parity


def place(folder: Path, out: Path) -> None:
    """Gives what lies in a folder its place in another, over older files; never over a SavedModel's version.

    Args:
        folder: on the same disk; holds files, and folders of versions or versions themselves.
        out: is made if need be.

    Raises:
        InputError: where a version is there already, or the disk does not take a file.
    """
    out.mkdir(exist_ok=True)
    # In the order of the names a description follows its .tflite, and an .xml its weights.
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not (path / "saved_model.pb").is_file():
            place(path, out / path.name)
        elif path.is_dir() and os.path.lexists(out / path.name):
            raise InputError(
                f"{out / path.name} was written by somebody else in the meantime. Export again. Received: path={out}"
            )
        else:
            try:
                path.replace(out / path.name)
            except OSError as error:
                raise cannot_write(out / path.name, error) from error
    sync_entries(out)


def _compared(images, encoder, image_size, value_range):
    if not isinstance(images, str | os.PathLike):
        return images
    height, width, channels = image_shape(encoder)
    if image_size is not None:
        height = width = image_size
    if height is None or height != width:
        raise InputError(
            "checked: for an encoder that is not square, or of no fixed size, pass the images as an array. "
            f"Received: images={os.fspath(images)!r}, encoder={encoder.name} for {height} by {width}"
        )
    return sample_images(open_for_encoder(images, channels, value_range), height, COMPARED_IMAGES)

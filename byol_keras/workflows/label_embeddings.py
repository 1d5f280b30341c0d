"""The embeddings of a folder, computed once and kept in the run."""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

from ..data.folder import find_images, from_folder
from ..data.validate import report_broken
from ..errors import InputError
from ..evaluation import embed
from ..runs.load import load_encoder
from ..utils.atomic import atomic_path


def folder_embeddings(run, folder):
    """The embeddings of the images in a folder by the encoder of a run.

    They are kept in RUN/embeddings/, one file a folder, and computed again when the encoder, or the name, size or time
    of any image, has changed.

    Args:
        run: `Run`.
        folder: path.

    Returns:
        names: tuple of the images that can be decoded, paths below the folder with forward slashes.
        embeddings: (N, D) float32.

    Raises:
        InputError: for a folder that is none or has no images, or images that the encoder does not take.
    """
    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        raise InputError(f"No such folder: {folder}")
    place = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    path = run.folder / "embeddings" / f"{os.path.basename(root)}-{place}.npz"
    fingerprint = _fingerprint(run.encoder_path, root)
    kept = _read(path, fingerprint)
    if kept is not None:
        return kept
    source = from_folder(root)
    if source.broken:
        print(f"{folder}: {report_broken(source)}", file=sys.stderr)
    embeddings = embed(load_encoder(run.folder), source)
    with atomic_path(path) as temporary:
        np.savez(temporary, fingerprint=fingerprint, names=np.array(source.names), embeddings=embeddings)
    return source.names, embeddings


def _fingerprint(encoder, root):
    """Of the encoder's file and of the names, sizes and times of the images, without reading these."""
    digest = hashlib.sha256(Path(encoder).read_bytes())
    for name in find_images(root):
        try:
            status = os.stat(os.path.join(root, name))
            digest.update(os.fsencode(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0"))
        except OSError:  # a link that leads nowhere; opening the source will say so
            digest.update(os.fsencode(f"{name}\0\0"))
    return digest.hexdigest()


def _read(path, fingerprint):
    """(names, embeddings), or None where there are none, or those of something else."""
    if not path.exists():
        return None
    try:
        # Given a path, numpy would leave the file open when it finds it damaged.
        with path.open("rb") as file, np.load(file) as arrays:
            if arrays["fingerprint"] != fingerprint:
                return None
            return tuple(arrays["names"].tolist()), arrays["embeddings"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        print(f"{path} cannot be read ({error}): embedding again.", file=sys.stderr)
        return None

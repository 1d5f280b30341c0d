"""The images to search with."""

import os
import sys

from ..errors import InputError
from .files import from_files
from .folder import SUFFIXES, find_images
from .validate import list_broken


def open_queries(paths):
    """Opens image files, and all images in folders; says on stderr which cannot be decoded.

    Args:
        paths: list of str or Path, files and folders.

    Returns:
        `ImageSource` with `paths`, named by these as they were given.

    Raises:
        InputError: for a path at which there is nothing, a folder without images, or when no image can be decoded.
    """
    names = []
    for path in map(os.fspath, paths):
        names += _in_folder(path) if os.path.isdir(os.path.expanduser(path)) else [path]
    files = [os.path.abspath(os.path.expanduser(name)) for name in names]
    for name, file in zip(names, files, strict=True):
        if not os.path.exists(file):
            raise InputError(f"No such image: {name}")
    images, broken = from_files(files, names, "the queries")
    if images is None:
        raise InputError(f"No query is an image that can be decoded: {list_broken(broken)}")
    if broken:
        print(f"These queries cannot be decoded and are left out: {list_broken(broken)}", file=sys.stderr)
    return images


def _in_folder(folder):
    names = find_images(os.path.abspath(os.path.expanduser(folder)))
    if not names:
        raise InputError(f"No images in {folder}: looked at any depth for files ending in {', '.join(SUFFIXES)}")
    return [os.path.join(folder, name) for name in names]

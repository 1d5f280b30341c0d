"""NumPy's .npy files."""

from typing import BinaryIO

import numpy as np

from .raster import Raster, raster_of

SIGNATURE = b"\x93NUMPY"


def npy_raster(file: BinaryIO) -> Raster:
    """The image in a .npy file: (H, W) or (H, W, C), whole or floating-point numbers. Nothing in it is unpickled.

    Raises:
        ValueError: for anything else, with the reason.
    """
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):  # The third differs in the names of fields, which images do not have.
        raise ValueError(f"a .npy file of version {version[0]}.{version[1]}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("Python objects, not an array of numbers")
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize

    def load():
        data = file.read(size)
        if len(data) < size:
            raise ValueError(f"cut off: {len(data):,} of {size:,} bytes are there")
        return np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")

    return raster_of(shape, dtype, load)

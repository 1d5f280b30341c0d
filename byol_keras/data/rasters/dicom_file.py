"""DICOM files, with pydicom."""

import logging
import warnings
from typing import BinaryIO

import numpy as np

from ..orientation import warnings_lock
from .raster import Raster, raster_of

SIGNATURE, SIGNATURE_PLACE = b"DICM", 128

_GRAY = ("MONOCHROME1", "MONOCHROME2")
_COLOR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_RESCALE = (("RescaleSlope", 1), ("RescaleIntercept", 0))
_DEFLATED = "1.2.840.10008.1.2.1.99"  # the one syntax in which a small file may become a large one before it is read


def dicom_raster(file: BinaryIO) -> Raster:
    """The image in a DICOM file: one frame, gray or RGB; its numbers are those after RescaleSlope and RescaleIntercept.

    Where nobody states another range, 0 and 1 are the least and the greatest number that BitsStored bits can hold, with
    a sign or not as PixelRepresentation says; for a slope other than 1 it has to be stated, because slopes often differ
    from file to file. MONOCHROME1, in which the least is white, is inverted. Windows for viewing change nothing.

    Raises:
        ValueError: for a file without an image, or with several frames, a palette, or a table in place of a slope, with
            the reason.
    """
    import pydicom

    with warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("pydicom").setLevel(logging.CRITICAL)
        file.seek(SIGNATURE_PLACE + len(SIGNATURE))
        meta = pydicom.filereader.read_dataset(file, False, True, stop_when=lambda tag, *_: tag.group != 2)
        if meta.get("TransferSyntaxUID") == _DEFLATED:
            raise ValueError("a DICOM file that is deflated as a whole: save it in another transfer syntax")
        file.seek(0)
        dataset = pydicom.dcmread(file)
        kind = str(dataset.get("PhotometricInterpretation", ""))
        slope, intercept = (float(dataset.get(name, usual)) for name, usual in _RESCALE)
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ValueError("a DICOM file without an image")
    if (frames := int(dataset.get("NumberOfFrames") or 1)) > 1:
        raise ValueError(f"a DICOM file of {frames} frames: save each as a file of its own")
    if kind not in (*_GRAY, *_COLOR) or "ModalityLUTSequence" in dataset:
        table = "ModalityLUTSequence" if kind in _GRAY else kind or "no PhotometricInterpretation"
        raise ValueError(
            f"a DICOM file with {table}: save it as MONOCHROME2 with numbers in place of a table, or as RGB"
        )
    if "PixelData" not in dataset:
        raster = raster_of((dataset.Rows, dataset.Columns), np.dtype("f8"), lambda: _pixels(dataset))
        return raster._replace(is_inverted=kind == "MONOCHROME1")
    stored, signed = int(dataset.BitsStored), bool(dataset.PixelRepresentation)
    if not 1 <= stored <= int(dataset.BitsAllocated) <= 32:
        raise ValueError(f"a DICOM file in which {stored} of {dataset.BitsAllocated} bits are stored")

    def load():
        return slope * _without_unused_bits(_pixels(dataset), stored, signed) + intercept

    # Numbers of up to 32 bits, and floats once they are rescaled.
    shape = (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
    raster = raster_of(shape, np.dtype("f8"), load)
    low, high = (-(2 ** (stored - 1)), 2 ** (stored - 1) - 1) if signed else (0, 2**stored - 1)
    own = (low + intercept, high + intercept) if slope == 1 else None
    unstated = f"numbers with a RescaleSlope of {slope:g}, which may be another in each file: state their `value_range`"
    return raster._replace(own_range=own, is_inverted=kind == "MONOCHROME1", unstated=unstated)


def _pixels(dataset):
    """The numbers as they are stored, colors as RGB."""
    from pydicom.pixels import pixel_array

    with warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pixel_array(dataset)


def _without_unused_bits(values, stored, signed):
    """Whole numbers without what may lie above the stored bits, such as an overlay."""
    values = values.astype(np.int64) & (2**stored - 1)
    return values - ((values >> (stored - 1)) << stored) if signed else values

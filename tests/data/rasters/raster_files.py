"""Rasters as other programs write them: the bytes of .npy, TIFF, DICOM and 16-bit PNG files."""

import io

import numpy as np
import pydicom
import tifffile
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from ..hostile import png


def npy(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def tiff(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def deep_png(values):
    """A PNG of 16 bits, gray or RGB, of which Pillow writes gray alone."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(rows, values.shape[1], values.shape[0], 16, 2 if values.ndim == 3 else 0)


def dicom(values, syntax=ExplicitVRLittleEndian, encode=None, **fields):
    """A DICOM file of (H, W) or (H, W, 3) whole numbers; 12 bits are stored unless `fields` say otherwise.

    `encode` is the syntax that pydicom compresses it to.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    meta.TransferSyntaxUID = syntax
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.SamplesPerPixel = 1 if values.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if values.ndim == 2 else "RGB"
    if values.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = 8 * values.itemsize
    dataset.BitsStored = 8 if values.itemsize == 1 else 12
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    for name, value in fields.items():
        setattr(dataset, name, value)
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = values.astype(values.dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].VR = "OB" if values.itemsize == 1 else "OW"
    if encode is not None:
        dataset.compress(encode, generate_instance_uid=False)
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def with_field(data, **fields):
    """The same DICOM file with other fields, whatever the pixels are."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    for name, value in fields.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()

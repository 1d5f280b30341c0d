"""What DICOM's own fields make of its numbers."""

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from byol_keras.data.rasters.raster_reading import RasterReading

from .raster_files import dicom, with_field

STORED = np.array([[0, 1, 2048, 4095], [4000, 7, 9, 100]], np.uint16)


def unit(data, value_range=None):
    return RasterReading(value_range).decode(data)[..., 0] / 65535


def test_numbers_with_a_sign():
    values = STORED.astype(np.int16) - 2048
    np.testing.assert_allclose(unit(dicom(values)), STORED / 4095, atol=1e-5)
    np.testing.assert_allclose(unit(dicom(values), (-2048, 2047)), STORED / 4095, atol=1e-5)


def test_bits_above_the_stored_ones_are_no_pixels():
    overlay = dicom(STORED | np.uint16(0x8000))
    np.testing.assert_allclose(unit(overlay), STORED / 4095, atol=1e-5)
    signed = (STORED.astype(np.int16) - 2048) & 0x0FFF  # without its sign's copies in the upper bits
    np.testing.assert_allclose(unit(dicom(signed.astype(np.int16))), STORED / 4095, atol=1e-5)


def test_a_stated_range_is_that_of_rescaled_numbers():
    units = STORED.astype(float) - 1024  # of Hounsfield
    data = dicom(STORED, RescaleSlope=1, RescaleIntercept=-1024)
    np.testing.assert_allclose(unit(data, (-1024, 3071)), (units + 1024) / 4095, atol=1e-5)
    np.testing.assert_allclose(unit(data), STORED / 4095, atol=1e-5)
    assert RasterReading((-1000, 3071)).check(data).reason == "values from -1024 to 3071, outside of -1000 to 3071"


def test_a_slope_needs_a_range():
    data = dicom(STORED, RescaleSlope="0.5", RescaleIntercept=10)
    assert RasterReading().check(data).reason == (
        "numbers with a RescaleSlope of 0.5, which may be another in each file: state their `value_range`"
    )
    np.testing.assert_allclose(unit(data, (0, 4000)), (STORED * 0.5 + 10) / 4000, atol=1e-5)


def test_windows_change_nothing():
    np.testing.assert_array_equal(unit(dicom(STORED, WindowCenter=40, WindowWidth=400)), unit(dicom(STORED)))


def test_low_is_white_in_a_stated_range_too():
    data = dicom(STORED, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(unit(data, (0, 8190)), 1 - STORED / 8190, atol=1e-5)


@pytest.mark.parametrize("syntax", [RLELossless])
def test_compressed_pixels(syntax):
    np.testing.assert_allclose(unit(dicom(STORED, encode=syntax)), STORED / 4095, atol=1e-5)


def test_what_pydicom_cannot_decode_is_said():
    import io

    import pydicom

    dataset = pydicom.dcmread(io.BytesIO(dicom(STORED, encode=RLELossless)))
    for syntax in (JPEGLSLossless, JPEG2000Lossless):
        dataset.file_meta.TransferSyntaxUID = syntax
        file = io.BytesIO()
        pydicom.dcmwrite(file, dataset, enforce_file_format=True)
        reason = RasterReading().check(file.getvalue()).reason
        assert reason
        assert "\n" not in reason
        if syntax == JPEGLSLossless:
            assert "JPEG-LS" in reason


FAULTS = {
    "frames": (lambda: with_field(dicom(STORED), NumberOfFrames=3), "a DICOM file of 3 frames"),
    "palette": (lambda: with_field(dicom(STORED), PhotometricInterpretation="PALETTE COLOR"), "with PALETTE COLOR"),
    "no pixels": (lambda: with_field(dicom(STORED), PixelData=None), "a DICOM file without an image"),
    "no bits": (lambda: with_field(dicom(STORED), BitsStored=0), "in which 0 of 16 bits are stored"),
    "cut off": (lambda: dicom(np.tile(STORED, (9, 9)))[:-40], "."),
    "huge": (lambda: with_field(dicom(STORED), Rows=60_000, Columns=60_000), "60,000 x 60,000 pixels of 1 channels"),
    "too few": (lambda: with_field(dicom(STORED), Rows=9), "."),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_cannot_be_read_is_one_line(kind):
    make, reason = FAULTS[kind]
    found = RasterReading().check(make())
    assert found.size is None
    assert reason == "." or reason in found.reason
    assert "\n" not in found.reason


def test_a_file_that_is_deflated_as_a_whole_is_refused():
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    data = dicom(STORED, syntax=DeflatedExplicitVRLittleEndian)
    assert RasterReading().check(data).reason.startswith("a DICOM file that is deflated as a whole")

"""What is 0 and 1 in each kind of file, and what cannot be read, said on one line."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from byol_keras.data.rasters import raster_reading
from byol_keras.data.rasters.raster_reading import RasterReading
from byol_keras.errors import InputError

from ..hostile import png
from .raster_files import deep_png, dicom, npy, tiff


def numbers(*shape, high=65536, dtype=np.uint16):
    return np.random.default_rng(0).integers(0, high, shape).astype(dtype)


def levels(values, low, high):
    """By hand: where each value lies between the two, in 65,536 levels."""
    share = (values.astype(float) - low) / (high - low)
    return np.rint(share * 65535).reshape(*values.shape[:2], -1)


BANDS = numbers(6, 5, 7)
GRAY = numbers(6, 5, high=4096)
FILES = {
    "npy gray": (npy(GRAY), GRAY, 65535),
    "npy 8 bits": (npy(numbers(6, 5, 4, high=256, dtype=np.uint8)), numbers(6, 5, 4, high=256), 255),
    "npy in columns": (npy(np.asfortranarray(BANDS)), BANDS, 65535),
    "npy big-endian": (npy(BANDS.astype(">u2")), BANDS, 65535),
    "tiff": (tiff(BANDS, photometric="minisblack", planarconfig="contig"), BANDS, 65535),
    "tiff in planes": (
        tiff(np.moveaxis(BANDS, -1, 0), photometric="minisblack", planarconfig="separate"),
        BANDS,
        65535,
    ),
    "tiff, lzw, big-endian": (tiff(GRAY, compression="lzw", predictor=2, byteorder=">"), GRAY, 65535),
    "tiff, deflate, tiles": (tiff(numbers(40, 33, 3), compression="zlib", tile=(16, 16)), numbers(40, 33, 3), 65535),
    "bigtiff": (tiff(GRAY, bigtiff=True), GRAY, 65535),
    "tiff, low is white": (tiff(GRAY, photometric="miniswhite"), 65535 - GRAY.astype(int), 65535),
    "dicom": (dicom(GRAY), GRAY, 4095),
    "dicom in color": (dicom(numbers(6, 5, 3, high=256, dtype=np.uint8)), numbers(6, 5, 3, high=256), 255),
    "dicom, low is white": (
        dicom(GRAY, PhotometricInterpretation="MONOCHROME1"),
        4095 - GRAY.astype(int),
        4095,
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_is_0_and_1_says_the_file(kind, tmp_path):
    data, values, high = FILES[kind]
    expected = levels(values, 0, high)
    path = tmp_path / "image"  # whatever its name
    path.write_bytes(data)
    for content in (data, path):
        decoded = RasterReading().decode(content)
        assert decoded.dtype == np.uint16
        np.testing.assert_array_equal(decoded, expected)
    found = RasterReading().check(data, expected.shape[:2])
    assert (found.reason, found.size, found.channels) == (None, expected.shape[:2], expected.shape[2])
    np.testing.assert_array_equal(found.pixels, expected)
    assert RasterReading().check(data, (1, 1)).pixels is None


@pytest.mark.parametrize("write", [npy, tiff, deep_png, dicom])
def test_a_stated_range(write):
    decoded = RasterReading((0, 4095)).decode(write(GRAY))
    np.testing.assert_array_equal(decoded, levels(GRAY, 0, 4095))
    found = RasterReading((0, float(GRAY.max()) - 1)).check(write(GRAY))
    said = f"values from {GRAY.min()} to {GRAY.max()}, outside of 0 to {GRAY.max() - 1}"
    assert (found.reason, found.is_passing) == (said, False)
    assert "outside of" in RasterReading((float(GRAY.min()) + 1, 4095)).check(write(GRAY)).reason


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u4"])
@pytest.mark.parametrize("write", [npy, tiff])
def test_other_numbers_need_a_range(write, dtype):
    if (write, dtype) == (tiff, "i8"):
        pytest.skip("tifffile writes it, and other programs do not read it")
    low = 0 if dtype[0] == "u" else -100
    values = numbers(4, 4, 2, high=100).astype(float) + low / 2
    values = np.maximum(values, low).astype(dtype)
    options = {} if write is npy else {"photometric": "minisblack", "planarconfig": "contig"}
    data = write(values, **options)
    reason = RasterReading().check(data).reason
    assert reason == (
        f"values of type {np.dtype(dtype)}, of which nobody knows what is black and white: state their `value_range`"
    )
    np.testing.assert_allclose(RasterReading((low, 100)).decode(data), levels(values, low, 100), atol=1)


def test_what_is_not_a_number_is_out_of_range():
    values = np.zeros((3, 3), np.float32)
    values[1, 1] = np.nan
    assert RasterReading((0, 1)).check(npy(values)).reason == "values from nan to nan, outside of 0 to 1"


def test_16_bit_png_in_full_depth():
    deep = numbers(5, 4, 3)
    np.testing.assert_array_equal(RasterReading((0, 65535)).decode(deep_png(deep)), deep)
    np.testing.assert_array_equal(RasterReading((0, 65535)).decode(deep_png(deep[..., 0]))[..., 0], deep[..., 0])
    eight = io.BytesIO()
    Image.fromarray(GRAY.astype(np.uint8)).save(eight, "PNG")
    np.testing.assert_array_equal(
        RasterReading((0, 511)).decode(eight.getvalue()), levels(GRAY.astype(np.uint8), 0, 511)
    )


def test_a_png_that_is_stored_turned_is_set_upright():
    turned, exif = io.BytesIO(), Image.Exif()
    exif[274] = 6  # a quarter turn
    Image.fromarray(GRAY).save(turned, "PNG", exif=exif)
    expected = np.rot90(GRAY, -1)
    np.testing.assert_array_equal(RasterReading((0, 65535)).decode(turned.getvalue())[..., 0], expected)
    assert RasterReading((0, 65535)).check(turned.getvalue()).size == expected.shape


def test_a_tiff_that_is_stored_turned_is_set_upright():
    data = tiff(GRAY, extratags=[(274, 3, 1, 6, True)])
    np.testing.assert_array_equal(RasterReading().decode(data)[..., 0], np.rot90(GRAY, -1))


def test_channels_that_are_asked_for():
    color = numbers(4, 4, 3)
    luma = np.rint(color @ np.array([0.299, 0.587, 0.114]))
    np.testing.assert_array_equal(RasterReading().decode(npy(color), 1)[..., 0], luma)
    np.testing.assert_array_equal(RasterReading().decode(npy(GRAY), 3), np.repeat(GRAY[..., None], 3, axis=2))
    with pytest.raises(InputError, match=r"Cannot decode .* bytes: 7 channels, and not 3"):
        RasterReading().decode(npy(BANDS), 3)
    assert RasterReading(channels=4).check(npy(BANDS)).reason == "7 channels, and the others have 4"


def test_low_range_is_of_16_bits_without_a_range():
    assert RasterReading().check(npy(GRAY)).low_range
    assert RasterReading().check(tiff(GRAY)).low_range
    assert not RasterReading().check(npy(GRAY * 16)).low_range
    assert not RasterReading((0, 65535)).check(npy(GRAY)).low_range
    assert not RasterReading().check(dicom(GRAY)).low_range
    assert not RasterReading().check(npy(GRAY.astype(np.uint8) % 3)).low_range


def lying_npy(shape):
    header = repr({"descr": "<u2", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


FAULTS = {
    "nothing": (b"", "the file is empty"),
    "text": (b"hello, here is no image" * 9, "not a readable .npy, TIFF, DICOM or PNG file"),
    "jpeg": (b"\xff\xd8\xff\xe0" * 40, "not a readable .npy, TIFF, DICOM or PNG file"),
    "npy cut off": (npy(BANDS)[:-9], "cut off: 411 of 420 bytes are there"),
    "npy in its header": (npy(BANDS)[:20], "EOF: reading array header"),
    "npy of objects": (npy(np.array([[{}, 1]], object)), "Python objects, not an array of numbers"),
    "npy of texts": (npy(np.array([["a", "b"]])), "values of type <U1, which are no numbers of an image"),
    "npy of truths": (npy(np.eye(3) > 0), "values of type bool, which are no numbers of an image"),
    "npy of five axes": (npy(np.zeros((1, 2, 3, 4, 5))), r"an array of shape \(1, 2, 3, 4, 5\), and an image is"),
    "npy of one axis": (npy(np.zeros(9)), r"an array of shape \(9,\), and an image is \(H, W\) or \(H, W, C\)"),
    "npy, channels first": (npy(np.zeros((4, 30, 20), "u2")), "the channels must be the last axis"),
    "npy of nothing": (npy(np.zeros((4, 0, 3), "u2")), "an empty array"),
    "npy, huge": (lying_npy((60_000, 60_000)), "60,000 x 60,000 pixels of 1 channels: make it smaller"),
    "npy, deep": (lying_npy((9_000, 9_000, 13)), "9,000 x 9,000 pixels of 13 channels: make it smaller"),
    "npy, absurd": (lying_npy((2**62, 2**62)), "make it smaller"),
    "tiff cut off": (tiff(numbers(64, 64))[:3000], "."),
    "tiff in its header": (tiff(GRAY)[:6], "."),
    "tiff of pages": (tiff(np.zeros((3, 20, 20), "u2"), photometric="minisblack"), "a TIFF of 3 pages: save each as"),
    "tiff, ImageJ": (tiff(np.zeros((5, 20, 20), "u2"), imagej=True), "a TIFF of 5 pages: save each as"),
    "tiff, huge tiles": (
        # The width of the tiles, tag 322, in the place of what tifffile wrote.
        tiff(GRAY, tile=(16, 16), compression="zlib").replace(
            struct.pack("<HHII", 322, 4, 1, 16), struct.pack("<HHII", 322, 4, 1, 2**20)
        ),
        "a TIFF of 16,777,216 pixels a tile, many more than its image has",
    ),
    "tiff, palette": (
        tiff(np.zeros((4, 4), "u1"), photometric="palette", colormap=np.zeros((3, 256), "u2")),
        "a TIFF in PALETTE with the axes YX: save it as gray or channels",
    ),
    "tiff, jpeg": (
        tiff(np.zeros((16, 16), "u1"), compression="jpeg"),
        "a TIFF compressed by JPEG: save it with LZW, deflate, or uncompressed",
    ),
    "png, palette": (
        png(b"\0\0" * 2, 1, 2, 8, 3),
        "a PNG in P, and with a value range gray and RGB of 8 or 16 bits are read",
    ),
    "png, alpha": (png((b"\0" + b"\0" * 8) * 2, 1, 2, 16, 6), "a PNG in RGBA;16B, and with a value range"),
    "png, huge": (png(b"", 60_000, 60_000, 16, 0), "."),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_cannot_be_read_is_one_line(kind):
    data, reason = FAULTS[kind]
    found = RasterReading((0, 65535)).check(data)
    assert found.size is None
    assert not found.is_passing
    assert "\n" not in found.reason
    with pytest.raises(InputError, match=f"^Cannot decode {len(data)} bytes: .*{reason}"):
        RasterReading((0, 65535)).decode(data)


def test_smaller_copies_and_masks_in_a_tiff_are_passed_over():
    import tifffile

    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(BANDS, photometric="minisblack", planarconfig="contig", metadata=None)
        writer.write(BANDS[::2, ::2], photometric="minisblack", planarconfig="contig", subfiletype=1, metadata=None)
        writer.write(BANDS[..., 0] > 9, subfiletype=4, metadata=None)
    np.testing.assert_array_equal(RasterReading().decode(file.getvalue()), BANDS)


def test_a_size_that_lies_is_refused_before_anything_is_decoded(monkeypatch):
    taken = []
    monkeypatch.setattr(raster_reading.decode_budget, "take", lambda count: taken.append(count))
    for kind in ("npy, huge", "npy, deep", "npy, absurd", "png, huge"):
        assert RasterReading((0, 65535)).check(FAULTS[kind][0]).reason
    assert taken == []


@pytest.mark.parametrize("write", [npy, tiff, dicom])
def test_the_limit_is_pillows(write, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 29)
    assert RasterReading().check(write(GRAY)).reason == "6 x 5 pixels of 1 channels: make it smaller"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    assert RasterReading().check(write(GRAY)).reason is None


def test_damaged_files_end_in_a_reason():
    generator = np.random.default_rng(1)
    for write in (npy, tiff, dicom, deep_png):
        data = write(numbers(12, 12, high=4096))
        for _ in range(60):
            damaged = bytearray(data)
            for place in generator.integers(0, min(len(data), 400), 3):
                damaged[place] = generator.integers(0, 256)
            found = RasterReading((0, 65535)).check(bytes(damaged[: generator.integers(1, len(data) + 1)]))
            assert (found.size is None) != (found.reason is None)

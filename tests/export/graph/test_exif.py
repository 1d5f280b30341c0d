"""The orientation that the graph finds is the one that Pillow finds."""

import io
import random
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.data.decode import check
from byol_keras.export.graph.encoded_images import decoded
from byol_keras.export.graph.exif import MAX_PARTS, exif_orientation

from ...data.hostile import png, png_chunk
from ...data.turned import ORIENTATIONS, blocks, stored

SHORT, LONG = 3, 4


@tf.function(input_signature=[tf.TensorSpec((), tf.string)])
def found(encoded):
    return exif_orientation(encoded, tf.io.is_jpeg(encoded))


def tiff(*entries, order="<", magic=42, place=8, count=None):
    """TIFF data with one directory of entries (tag, type, count, value)."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", magic, place) + bytes(max(place - 8, 0))
    body = struct.pack(f"{order}H", len(entries) if count is None else count)
    for tag, kind, number, value in entries:
        body += struct.pack(f"{order}HHI", tag, kind, number)
        body += struct.pack(f"{order}HH", value, 0) if kind in (3, 8) else struct.pack(f"{order}I", value)
    return head + body


def segment(kind, data):
    return bytes([0xFF, kind]) + struct.pack(">H", 2 + len(data)) + data


def jpeg(*segments):
    """A JPEG with these behind its first marker."""
    file = io.BytesIO()
    Image.fromarray(np.full((9, 12, 3), 99, np.uint8)).save(file, "JPEG")
    return file.getvalue()[:2] + b"".join(segments) + file.getvalue()[2:]


def exif(data):
    return segment(0xE1, b"Exif\0\0" + data)


def with_exif(*entries, **options):
    return jpeg(exif(tiff(*entries, **options)))


ONE = (0x0112, SHORT, 1, 6)
CASES = {
    "little": (with_exif(ONE), 6),
    "big": (with_exif(ONE, order=">"), 6),
    "long": (with_exif((0x0112, LONG, 1, 3)), 3),
    "long, big": (with_exif((0x0112, LONG, 1, 3), order=">"), 3),
    "among others": (with_exif((0x010F, LONG, 1, 7), ONE, (0x0128, SHORT, 1, 2)), 6),
    "further behind": (with_exif(ONE, place=40), 6),
    "behind others": (jpeg(segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"), segment(0xE2, bytes(9000)), exif(tiff(ONE))), 6),
    "behind XMP": (jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"), exif(tiff(ONE))), 6),
    "fill bytes": (jpeg(b"\xff\xff\xff" + exif(tiff(ONE))), 6),
    "none": (jpeg(), 1),
    "another tag": (with_exif((0x0113, SHORT, 1, 6)), 1),
    "two values": (with_exif((0x0112, SHORT, 2, 6)), 6),
    "a text": (with_exif((0x0112, 2, 1, 6)), 1),
    "9": (with_exif((0x0112, SHORT, 1, 9)), 1),
    "0": (with_exif((0x0112, SHORT, 1, 0)), 1),
    "more entries than there are": (with_exif(ONE, count=900), 6),
    "no entries": (with_exif(ONE, count=0), 1),
    "no TIFF": (jpeg(exif(b"no TIFF data at all")), 1),
    "nothing": (jpeg(exif(b"")), 1),
    "a directory beyond the end": (with_exif(ONE, place=8).replace(b"\x2a\0\x08\0\0\0", b"\x2a\0\xff\xff\xff\xff"), 1),
    "behind the pixels": (jpeg() + exif(tiff(ONE)), 1),
    "PNG": (png(b"\0\1", 1, 1, 8, 0, png_chunk(b"eXIf", tiff(ONE))), 6),
    "PNG, behind others": (png(b"\0\1", 1, 1, 8, 0, png_chunk(b"tEXt", b"a\0b") + png_chunk(b"eXIf", tiff(ONE))), 6),
    "PNG without": (png(b"\0\1", 1, 1, 8, 0), 1),
}


@pytest.mark.parametrize("case", list(CASES))
def test_the_graph_finds_what_pillow_finds(case):
    data, expected = CASES[case]
    assert check(data).reason is None
    assert (int(found(data)), check(data).orientation) == (expected, expected)


def test_where_the_graph_looks_no_further():
    many = jpeg(*[segment(0xEB, b"")] * MAX_PARTS, exif(tiff(ONE)))
    xmp = jpeg(segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'))
    for data in (many, xmp):
        assert (int(found(data)), check(data).orientation) == (1, 6)


def test_no_bytes_make_it_fail():
    rng = random.Random(0)
    whole = [CASES["among others"][0], CASES["big"][0], CASES["PNG, behind others"][0]]
    for data in whole:
        variants = [data[:length] for length in range(min(len(data), 90))]
        for _ in range(150):
            changed = bytearray(data)
            for _ in range(rng.randrange(1, 4)):
                changed[rng.randrange(min(len(data), 90))] = rng.choice([0, 1, 8, 255, rng.randrange(256)])
            variants.append(bytes(changed))
        for variant in variants:
            orientation = int(found(variant))
            assert 1 <= orientation <= 8
            if (seen := check(variant)).reason is None and b"xmp" not in variant:
                assert orientation == seen.orientation, variant


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_all_orientations_are_one_image(kind, channels):
    image = blocks(5, 7) if channels == 3 else blocks(7, 5)
    files = [stored(image, orientation, kind) for orientation in ORIENTATIONS]
    images, valid = decoded(tf.constant(files), 24, channels, 10**6, True)
    assert valid.numpy().all()
    plain = io.BytesIO()
    Image.fromarray(image).save(plain, "PNG")
    (expected,), _ = decoded(tf.constant([plain.getvalue()]), 24, channels, 10**6, True)
    np.testing.assert_allclose(images, np.stack([expected] * 8), atol=4 / 255)
    assert np.abs(expected - expected[::-1]).max() > 0.2

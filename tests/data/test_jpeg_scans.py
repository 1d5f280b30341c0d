import io

import pytest
from PIL import Image

from byol_keras.data import jpeg_scans
from byol_keras.data.decode import check
from byol_keras.data.jpeg_scans import MAX_SCANS, has_too_many_scans

from .hostile import drawn, encoded, scanned_jpeg


def scans(data, monkeypatch):
    """How many are counted: the largest limit that they exceed, and one more."""
    for limit in range(60):
        monkeypatch.setattr(jpeg_scans, "MAX_SCANS", limit)
        if not has_too_many_scans(io.BytesIO(data)):
            return limit
    raise AssertionError("more than 60")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 1),
        ({"restart_marker_blocks": 1}, 1),
        ({"progressive": True}, 10),  # libjpeg's script for color
        ({"comment": b"\xff\xda" * 20}, 1),  # no scan, though it looks like the beginning of one
        ({"progressive": True, "comment": b"\xff\xda\x00\x08" * 12}, 10),
    ],
)
def test_scans_are_counted(options, expected, monkeypatch):
    assert scans(encoded(drawn(60, 50), "JPEG", **options), monkeypatch) == expected


def test_what_lies_behind_the_image_is_not_counted(monkeypatch):
    data = encoded(drawn(), "JPEG") + encoded(drawn(), "JPEG", progressive=True)
    assert scans(data, monkeypatch) == 1


def test_a_start_between_two_blocks_is_seen(monkeypatch):
    data = scanned_jpeg(40, 50)
    for block in (1, 2, 3, 7):
        monkeypatch.setattr(jpeg_scans, "_BLOCK", block)
        assert scans(data, monkeypatch) == 56  # and the six of libjpeg's script for gray


def test_a_jpeg_that_would_take_half_an_hour_is_refused():
    data = scanned_jpeg(9000, 100_000)
    assert len(data) < 2_000_000
    assert check(data).reason == "a JPEG of more than 100 scans, which would take very long to decode"
    few = scanned_jpeg(40, MAX_SCANS - 6)
    assert check(few).reason is None
    assert Image.open(io.BytesIO(few)).size == (40, 40)

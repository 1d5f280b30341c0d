"""What the graph decodes, what it refuses, and what either costs."""

import io
import json
import struct
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras import export
from byol_keras.data.decode import check, decode, pixel_limit
from byol_keras.export.graph.encoded_images import MAX_SCANS, MAX_SEGMENTS, decoded

from ...data.hostile import png, png_chunk, scanned_jpeg

SIZE = 24


def decoder(max_pixels=10**6, strict=False, channels=3):
    function = tf.function(lambda strings: decoded(strings, SIZE, channels, max_pixels, strict), autograph=False)
    return lambda *strings: [output.numpy() for output in function(tf.constant(strings, tf.string))]


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def drawn(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def claiming(jpeg, height, width):
    """A JPEG whose header says another size."""
    jpeg = bytearray(jpeg)
    (place,) = (i for i in range(len(jpeg) - 9) if jpeg[i] == 0xFF and jpeg[i + 1] in (0xC0, 0xC2))
    jpeg[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(jpeg)


def by_hand(image):
    """The central square of (H, W, 3) uint8, resized by Keys' cubic with antialiasing, in float64."""
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side] / 255
    centers = (np.arange(SIZE) + 0.5) * side / SIZE - 0.5
    x = np.abs(np.arange(side) - centers[:, None]) / max(side / SIZE, 1)
    weights = np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, ((2.5 - 0.5 * x) * x - 4) * x + 2, 0))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(np.einsum("ij,jkc,lk->ilc", weights, square, weights, optimize=True), 0, 1)


@pytest.mark.parametrize("size", [(24, 24), (40, 25), (25, 40), (7, 9), (201, 300), (24, 25)])
def test_the_central_square_is_resized(size):
    image = drawn(*size)
    images, valid = decoder()(encoded(image), encoded(image, "JPEG", quality=95))
    assert valid.tolist() == [True, True]
    np.testing.assert_allclose(images[0], by_hand(image), atol=2e-6)
    jpeg = np.asarray(Image.open(io.BytesIO(encoded(image, "JPEG", quality=95))))
    np.testing.assert_allclose(images[1], by_hand(jpeg), atol=2e-6)


def test_an_image_of_the_right_size_stays_as_it_is():
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    np.testing.assert_allclose(decoder()(encoded(noise))[0][0], noise / 255, atol=1e-7)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_limit_is_the_last_size_that_is_decoded(kind):
    file = encoded(drawn(30, 50), kind)
    assert decoder(1500)(file)[1].tolist() == [True]
    images, valid = decoder(1499)(file, encoded(drawn(10, 10)))
    assert valid.tolist() == [False, True]
    assert not images[0].any()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"more than 1499 pixels.*index\] \[1\] \[30\] \[50\]"):
        decoder(1499, strict=True)(encoded(drawn(10, 10)), file)


def test_sizes_that_no_image_can_have():
    ihdr = [struct.pack(">II", *size) for size in ((0, 5), (5, 0), (2**31, 2**31), (2**32 - 1, 2**32 - 1))]
    whole = png(b"\0" + bytes(3), 1, 1, 8, 2)
    files = [whole[:16] + size + whole[24:] for size in ihdr]
    files += [claiming(encoded(drawn(8, 8), "JPEG"), *size) for size in ((0, 8), (8, 0))]
    files += [whole[:length] for length in (8, 15, 16, 20, 24, 25)]
    assert decoder()(whole, *files)[1].tolist() == [True] + [False] * len(files)


def test_the_size_of_a_png_cannot_be_hidden_behind_another_chunk():
    large = png(b"".join(b"\0" + bytes(1200) for _ in range(1200)), 1200, 1200, 8, 0)
    hidden = large[:8] + png_chunk(b"abCd", struct.pack(">II", 8, 8) + bytes(5)) + large[8:]
    assert decoder(2 * 10**6)(large)[1].tolist() == [True]
    assert decoder()(large, hidden)[1].tolist() == [False, False]


COLOR_SPACES = {
    "none": [],
    "gAMA": [png_chunk(b"gAMA", struct.pack(">I", 45455))],
    "linear": [png_chunk(b"gAMA", struct.pack(">I", 100_000))],
    "sRGB": [png_chunk(b"sRGB", b"\0")],
}


@pytest.mark.parametrize("space", COLOR_SPACES)
@pytest.mark.parametrize(("kind", "depth"), [(2, 8), (2, 16), (6, 8), (6, 16)])
def test_gray_of_colors_is_the_gray_of_training(space, kind, depth):
    """Whatever color space a PNG states, with and without transparency."""
    high, channels = 2**depth, {2: 3, 6: 4}[kind]
    pixels = np.random.default_rng(depth).integers(0, high, (SIZE, SIZE, channels)).astype(f">u{depth // 8}")
    file = png(b"".join(b"\0" + row.tobytes() for row in pixels), SIZE, SIZE, depth, kind, *COLOR_SPACES[space])
    images, valid = decoder(channels=1)(file)
    assert valid.tolist() == [True]
    np.testing.assert_array_equal(np.round(images[0] * 255), decode(file, 1))


@pytest.mark.parametrize("space", COLOR_SPACES)
def test_gray_of_a_palette_and_of_a_transparent_color(space):
    rows = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), np.uint8)
    indices = b"".join(b"\0" + row.tobytes() for row in rows)
    palette = png_chunk(b"PLTE", np.random.default_rng(1).bytes(3 * 256))
    colors = np.random.default_rng(2).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    colors[::2] = (3, 4, 5)
    one_color = b"".join(b"\0" + row.tobytes() for row in colors)
    for file in (
        png(indices, SIZE, SIZE, 8, 3, *COLOR_SPACES[space], palette),
        png(indices, SIZE, SIZE, 8, 3, *COLOR_SPACES[space], palette, png_chunk(b"tRNS", bytes(range(0, 250, 5)))),
        png(one_color, SIZE, SIZE, 8, 2, *COLOR_SPACES[space], png_chunk(b"tRNS", b"\0\x03\0\x04\0\x05")),
    ):
        images, valid = decoder(channels=1)(file)
        assert valid.tolist() == [True]
        np.testing.assert_array_equal(np.round(images[0] * 255), decode(file, 1))


def test_a_jpeg_of_many_scans_is_refused():
    few = encoded(drawn(40, 40), "JPEG", progressive=True)
    # The last scan once more, each a pass over all pixels.
    start = few.rindex(b"\xff\xda")
    many = few[:-2] + few[start:-2] * MAX_SCANS + few[-2:]
    assert decoder()(few, many)[1].tolist() == [True, False]
    with pytest.raises(tf.errors.InvalidArgumentError, match="a JPEG of more than 100 scans"):
        decoder(strict=True)(many)


def inserted(jpeg, *segments):
    """A JPEG with these, each a marker and its content, before all others."""
    parts = [b"\xff" + bytes([kind]) + struct.pack(">H", 2 + len(content)) + content for kind, content in segments]
    return jpeg[:2] + b"".join(parts) + jpeg[2:]


def test_what_only_looks_like_scans_is_not_counted():
    plain, many = encoded(drawn(24, 24), "JPEG", restart_marker_blocks=1), b"\xff\xda\x00\x08" * 2 * MAX_SCANS
    noise = np.random.default_rng(0).bytes(12 * 10**6)
    assert noise.count(b"\xff\xda") > MAX_SCANS
    files = [
        plain,
        plain + noise,
        plain + many,
        inserted(plain, (0xE1, b"Exif\0\0" + many)),
        inserted(plain, (0xE1, many), (0xFE, many), (0xE2, many)) + noise,
        # Fill bytes, and a marker without a length.
        plain[:2] + b"\xff" * 50 + inserted(plain, (0xFE, many))[2:],
        plain[:2] + b"\xff\xd0" + inserted(plain, (0xFE, many))[2:],
        inserted(plain, *[(0xFE, many)] * 300),
    ]
    images, valid = decoder()(*files)
    assert valid.tolist() == [check(file).reason is None for file in files] == [True] * len(files)
    np.testing.assert_allclose(images, np.repeat(images[:1], len(files), axis=0))
    assert images[0].std() > 0.1


def test_scans_are_counted_behind_metadata_and_before_the_end():
    enough, over = (scanned_jpeg(24, count) for count in (MAX_SCANS - 6, MAX_SCANS - 5))
    thumbnail = encoded(drawn(16, 16), "JPEG")
    many, noise = b"\xff\xda\x00\x08" * 2 * MAX_SCANS, np.random.default_rng(1).bytes(10**6)
    for before in ([], [(0xE1, b"Exif\0\0" + thumbnail * 40)], [(0xFE, many)]):
        files = [inserted(file, *before) + behind for file in (enough, over) for behind in (b"", many, noise)]
        assert decoder()(*files)[1].tolist() == [True] * 3 + [False] * 3
        assert [check(file).reason is None for file in files] == [True] * 3 + [False] * 3


def test_too_many_segments_are_too_many_scans():
    plain, many = encoded(drawn(24, 24), "JPEG"), (0xFE, b"\xff\xda\x00\x08" * 2 * MAX_SCANS)
    assert decoder()(inserted(plain, many, *[(0xFE, b"")] * (MAX_SEGMENTS - 100)))[1].tolist() == [True]
    with pytest.raises(tf.errors.InvalidArgumentError, match="a JPEG of more than 100 scans"):
        decoder(strict=True)(inserted(plain, many, *[(0xFE, b"")] * MAX_SEGMENTS))


def test_damaged_jpegs_that_look_like_many_scans_leave_the_others_alone():
    good, many = encoded(drawn(24, 24), "JPEG"), b"\xff\xda\x00\x08" * 2 * MAX_SCANS
    whole = inserted(good, (0xFE, many))
    bad = [
        b"\xff\xd8\xff" + many,
        b"\xff\xd8" + many,
        b"\xff\xd8\xff" + b"\xff\xda" * 2 * MAX_SCANS,
        b"\xff\xd8\xff\xe0\xff\xff" + many,
        *[whole[: len(whole) - len(good) + cut] for cut in (0, 1, 2, 3, 4, 5, 30)],
    ]
    start = whole.index(b"\xff\xc0")
    bad += [whole[: start + cut] + many for cut in (0, 1, 2, 3, 4, 9)]
    assert decoder()(good, *bad, good)[1].tolist() == [True] + [False] * len(bad) + [True]


PROGRAM = """
import base64, json, sys, time
import tensorflow as tf

def peak():
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1]) / 1024

serve = tf.saved_model.load(sys.argv[1]).signatures["serve_bytes"]
good, *requests = [[base64.b64decode(file) for file in request] for request in json.load(sys.stdin)]
serve(image_bytes=tf.constant(good))
for request in requests:
    before, start = peak(), time.perf_counter()
    valid = serve(image_bytes=tf.constant(request))["valid"].numpy().tolist()
    print(json.dumps([valid, peak() - before, time.perf_counter() - start]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory from /proc")
def test_a_small_file_costs_little_memory(encoder, tmp_path):
    """In a fresh process without Keras and this package: the largest claims, one by one and many at once."""
    import base64

    path = export.saved_model(encoder, tmp_path / "1")
    good, small = encoded(drawn(30, 30)), encoded(drawn(16, 16), "JPEG", progressive=True)
    side = int(pixel_limit() ** 0.5)
    requests = [
        [good],
        [claiming(small, 12000, 12000), png(b"", 12000, 12000, 8, 2), good],
        [claiming(small, side + 1, side + 1)] * 32,
        [claiming(small, 3000, 4000)] * 4,
    ]
    assert max(len(file) for request in requests for file in request) < 3000
    program = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, path],
        input=json.dumps([[base64.b64encode(file).decode() for file in request] for request in requests]),
        capture_output=True,
        text=True,
    )
    assert program.returncode == 0, program.stderr
    claims, many, allowed = map(json.loads, program.stdout.splitlines())
    assert claims[0] == [False, False, True]
    assert many[0] == [False] * 32
    assert claims[1] < 50
    assert many[1] < 50
    # 12 megapixels as bytes are 36 MB, as much for the decoder's coefficients, twice; four of them take no more.
    assert allowed[1] < 250

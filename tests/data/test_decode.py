import io
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.data import decode as decoding
from byol_keras.data.decode import Check, check, decode
from byol_keras.errors import InputError

from .hostile import png, png_chunk


def noise(*shape, high=256, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, high, shape, dtype=dtype)


def smooth(height=30, width=40):
    return np.asarray(Image.fromarray(noise(6, 8, 3)).resize((width, height), Image.Resampling.BICUBIC))


def encode(image, kind, **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def palette():
    return Image.fromarray(smooth()).quantize(20)


def gray():
    return Image.fromarray(smooth()).convert("L")


ODD = {
    "rgb": lambda: encode(smooth(), "PNG"),
    "gray": lambda: encode(gray(), "PNG"),
    "gray with alpha": lambda: encode(noise(30, 40, 2), "PNG"),
    "gray with a transparent level": lambda: encode(gray(), "PNG", transparency=5),
    "rgb with alpha": lambda: encode(noise(30, 40, 4), "PNG"),
    "palette": lambda: encode(palette(), "PNG"),
    "palette with a transparent color": lambda: encode(palette(), "PNG", transparency=3),
    "palette with alpha": lambda: encode(palette(), "PNG", transparency=bytes(range(0, 200, 10))),
    "16-bit gray": lambda: encode(noise(30, 40, high=65536, dtype=np.uint16), "PNG"),
    "1-bit": lambda: encode(gray().convert("1"), "PNG"),
    "bmp": lambda: encode(smooth(), "BMP"),
    "gif": lambda: encode(smooth(), "GIF"),
    "webp": lambda: encode(smooth(), "WEBP", lossless=True),
}
JPEGS = {
    "rgb jpeg": lambda: encode(smooth(), "JPEG"),
    "gray jpeg": lambda: encode(gray(), "JPEG"),
    "progressive jpeg": lambda: encode(smooth(), "JPEG", progressive=True),
    "cmyk jpeg": lambda: encode(Image.fromarray(smooth()).convert("CMYK"), "JPEG"),
}


def on_white(rgba):
    """By hand: each color in proportion to its alpha, white for the rest."""
    color, alpha = np.float64(rgba[..., :3]), rgba[..., 3:] / 255
    return np.round(color * alpha + 255 * (1 - alpha)).astype(np.uint8)


@pytest.mark.parametrize("kind", ODD)
def test_decodes_as_tensorflow_does(kind):
    data = ODD[kind]()
    image = decode(data)
    assert image.dtype == np.uint8
    assert image.shape == (30, 40, 3)
    if kind == "webp":  # TensorFlow before 2.20 reads none; this one is lossless.
        expected = smooth()
    elif kind in ("bmp", "gif"):
        expected = tf.io.decode_image(data, channels=3, expand_animations=False)
    else:
        rgba = tf.io.decode_png(data, channels=4).numpy()
        if kind == "1-bit":  # TensorFlow gives it the alpha 1.
            rgba[..., 3] = 255
        expected = on_white(rgba)
    np.testing.assert_array_equal(image, expected)
    is_gray = kind in ("1-bit", "16-bit gray") or kind.startswith("gray")
    assert check(data) == Check((30, 40), gray=is_gray)
    # A gray image is as it would be as RGB; of others it is the luma, by the rule of ITU-R BT.601.
    expected = image[..., :1] if is_gray else np.round(image @ [0.299, 0.587, 0.114])[..., None]
    np.testing.assert_allclose(decode(data, 1), expected, atol=0 if is_gray else 1)


@pytest.mark.parametrize("kind", JPEGS)
def test_decodes_jpegs_as_tensorflow_does(kind):
    data = JPEGS[kind]()
    expected = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    np.testing.assert_array_equal(decode(data), expected)
    assert check(data) == Check((30, 40), kind != "cmyk jpeg", gray=kind == "gray jpeg")
    if kind != "cmyk jpeg":
        expected = tf.io.decode_jpeg(data, channels=1, dct_method="INTEGER_ACCURATE")
        np.testing.assert_array_equal(decode(data, 1), expected)


def test_16_bit_gray_is_scaled():
    levels = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    assert decode(encode(levels, "PNG"))[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("alpha", [0, 1, 127, 128, 254, 255])
def test_what_is_transparent_is_blended_with_white(alpha):
    # Black on nothing, (0 * alpha + 255 * (255 - alpha)) / 255, and 100 likewise, rounded.
    pixels = np.array([[[0, 100, 255, alpha]]], np.uint8)
    expected = [255 - alpha, round((100 * alpha + 255 * (255 - alpha)) / 255), 255]
    for data in (encode(pixels, "PNG"), encode(pixels, "WEBP", lossless=True, exact=True)):
        assert decode(data).tolist() == [[expected]]
    assert decode(encode(pixels[..., [0, 3]], "PNG")).tolist() == [[[255 - alpha] * 3]]
    # Of 16 bits the high bytes, of the alpha too.
    deep = png(b"\0" + np.array([0, alpha << 8 | 77], ">u2").tobytes(), 1, 1, 16, 4)
    assert decode(deep).tolist() == [[[255 - alpha] * 3]]


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_level_of_a_gray_png_is_white(depth):
    # Two pixels of the levels 1 and 0; the level 1 is the transparent one.
    row = {1: b"\x80", 2: b"\x40", 4: b"\x10", 8: b"\x01\0", 16: b"\0\x01\0\0"}[depth]
    data = png(b"\0" + row, 2, 1, depth, 0, png_chunk(b"tRNS", b"\0\x01"))
    assert decode(data).tolist() == [[[255] * 3, [0] * 3]]


def test_the_transparent_color_of_a_png_is_white():
    # (3, 4, 5) is transparent, and so it is of 16 bits; (0, 0, 0) is not.
    few = png(b"\0\x03\x04\x05\0\0\0", 2, 1, 8, 2, png_chunk(b"tRNS", b"\0\x03\0\x04\0\x05"))
    deep = png(b"\0\x03\0\x04\0\x05\0" + bytes(6), 2, 1, 16, 2, png_chunk(b"tRNS", b"\x03\0\x04\0\x05\0"))
    for data in (few, deep):
        assert decode(data).tolist() == [[[255] * 3, [0] * 3]]


def test_the_transparent_color_of_a_palette_is_white():
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 10, 20, 30, 40, 50, 60])
    image.putdata([0, 1, 2])
    one, several = encode(image, "PNG", transparency=0), encode(image, "PNG", transparency=bytes([0, 51, 255]))
    assert decode(one).tolist() == [[[255] * 3, [10, 20, 30], [40, 50, 60]]]
    # A fifth of the second: 255 - (255 - 10) / 5 and so on.
    assert decode(several).tolist() == [[[255] * 3, [206, 208, 210], [40, 50, 60]]]
    assert decode(encode(image, "GIF", transparency=1)).tolist() == [[[0] * 3, [255] * 3, [40, 50, 60]]]


@pytest.mark.parametrize(("level", "low"), [(0, True), (4095, True), (4096, False), (65535, False)])
def test_16_bits_of_which_few_are_used_are_noticed(level, low):
    gray = np.zeros((4, 5), np.uint16)
    gray[1, 2] = level
    color = b"".join(b"\0" + row.astype(">u2").repeat(3).tobytes() for row in gray)
    with_alpha = b"".join(b"\0" + np.stack([row, row * 0 + 65535], 1).astype(">u2").tobytes() for row in gray)
    for data in (encode(gray, "PNG"), png(color, 5, 4, 16, 2), png(with_alpha, 5, 4, 16, 4)):
        assert check(data).low_range is low
        assert check(data, (4, 5)).low_range is low
    # A dark image of 8 bits is dark, no more.
    assert check(encode((gray >> 8).astype(np.uint8), "PNG")).low_range is False


def test_cmyk_is_not_inverted():
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # red
    red, green, blue = decode(encode(image, "JPEG", quality=95)).reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert green < 15
    assert blue < 15


def test_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "blue")]
    for kind in ("GIF", "WEBP"):
        image = decode(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert image.shape == (6, 8, 3)
        assert image[0, 0, 0] > 240
        assert image[0, 0, 2] < 15


def test_the_content_counts_not_the_suffix(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(ODD["rgb"]())
    np.testing.assert_array_equal(decode(path), smooth())
    assert check(path).jpeg is False


def test_pixels_are_kept_of_the_wanted_size_only():
    data = JPEGS["rgb jpeg"]()
    np.testing.assert_array_equal(check(data, (30, 40)).pixels, decode(data))
    assert check(data, (40, 30)).pixels is None


@pytest.mark.parametrize("kind", [*ODD, *JPEGS])
@pytest.mark.parametrize("held_size", [None, (30, 40)])
def test_a_file_cut_off_is_found(kind, held_size):
    data = (ODD | JPEGS)[kind]()
    for length in (len(data) // 2, len(data) * 3 // 4):
        result = check(data[:length], held_size)
        assert result.reason
        assert "\n" not in result.reason
        with pytest.raises(InputError, match="Cannot decode"):
            decode(data[:length])


def test_what_passes_the_check_decodes_in_tensorflow():
    # Training reads a JPEG with TensorFlow: one that only Pillow can read would end it in the middle.
    rng, passed = random.Random(0), 0
    for data in (JPEGS["rgb jpeg"](), JPEGS["progressive jpeg"]()):
        variants = [data[:-2], data + bytes(500), data + data]
        for _ in range(100):
            changed = bytearray(data)
            changed[rng.randrange(2, len(data))] = rng.randrange(256)
            variants.append(bytes(changed))
        for variant in variants:
            result = check(variant)
            if result.jpeg:
                passed += 1
                assert tf.io.decode_jpeg(variant, channels=3).shape == (*result.size, 3)
                tf.io.decode_and_crop_jpeg(variant, [0, 0, 1, 1], channels=3)
    assert passed > 50


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "not a readable JPEG, PNG, WebP, BMP or GIF file"),
        (encode(np.zeros((4, 4), np.uint8), "TIFF"), "not a readable JPEG, PNG, WebP, BMP or GIF file"),
    ],
)
def test_says_why(data, reason):
    assert check(data).reason == reason
    with pytest.raises(InputError, match=reason):
        decode(data)


def test_a_missing_file_is_named(tmp_path):
    assert check(tmp_path / "none.png").reason == "No such file or directory"
    with pytest.raises(InputError, match=r"none\.png: No such file"):
        decode(tmp_path / "none.png")


def test_a_name_that_tensorflow_cannot_take(tmp_path):
    path = str(tmp_path / "caf\udce9.png")  # a byte that is not UTF-8
    Image.fromarray(smooth()).save(path)
    assert check(path).reason == "the file's name is not UTF-8: rename it"


def test_a_file_larger_than_any_image_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.truncate(decoding.FILE_BYTES_PER_PIXEL * Image.MAX_IMAGE_PIXELS + 1)
    assert check(path).reason == "a file of 1,431,655,761 bytes, more than an image of 89,478,485 pixels can need"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # Pillow's way to set no limit
    assert "not a readable" in check(path).reason


def test_the_largest_file_of_an_image_is_read(tmp_path, monkeypatch):
    # One column of four channels of 16 bits, of noise: what takes most bytes for a pixel.
    height = 5000
    noise_rows = b"".join(b"\0" + row.tobytes() for row in noise(height, 8))
    data = png(noise_rows, 1, height, 16, 6)
    assert len(data) > 8.5 * height
    (tmp_path / "a.png").write_bytes(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", height)
    assert check(tmp_path / "a.png").size == (height, 1)


def test_a_large_file_is_read_as_it_is_needed(tmp_path, monkeypatch):
    for kind in ("JPEG", "PNG", "BMP", "GIF", "WEBP"):
        path = tmp_path / kind
        path.write_bytes(encode(smooth(), kind))
        at_once = decode(path)
        with monkeypatch.context() as patched:
            patched.setattr(decoding, "_READ_AT_ONCE", 10)
            np.testing.assert_array_equal(decode(path), at_once)
            assert check(path).size == (30, 40)


@pytest.mark.parametrize("limit", [1000, 500])  # Pillow warns from the limit on, and raises from twice the limit on.
def test_too_many_pixels(monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert check(ODD["rgb"]()).reason == f"more than {limit:,} pixels: make it smaller"


def corrupt_exif():
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0" + b"\x1a\x01\x05\0\x01\0\0\0\xff\xff\0\0"
    buffer = io.BytesIO()
    Image.fromarray(smooth()).save(buffer, "JPEG", exif=exif)
    data = buffer.getvalue()
    jfif = data.index(b"JFIF")  # Pillow looks at EXIF data on opening only where there is no JFIF header.
    return data[: jfif - 4] + data[jfif - 2 + int.from_bytes(data[jfif - 2 : jfif], "big") :]


def test_corrupt_exif_is_no_warning(recwarn):
    data = corrupt_exif()
    with pytest.warns(UserWarning, match="Truncated"):  # what Pillow alone does
        Image.open(io.BytesIO(data)).close()
    with ThreadPoolExecutor(4) as pool:
        assert all(result.reason is None for result in pool.map(check, [data] * 50))
        assert len(list(pool.map(decode, [data] * 50))) == 50
    assert not recwarn.list

import io
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.data.decode import check, decode
from byol_keras.errors import InputError


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


@pytest.mark.parametrize("kind", ODD)
def test_decodes_as_tensorflow_does(kind):
    data = ODD[kind]()
    image = decode(data)
    assert image.dtype == np.uint8
    assert image.shape == (30, 40, 3)
    # TensorFlow before 2.20 reads no WebP; this one is lossless.
    webp = kind == "webp"
    expected = smooth() if webp else tf.io.decode_image(data, channels=3, expand_animations=False)
    np.testing.assert_array_equal(image, expected)
    assert check(data) == ((30, 40), False, None, None)


@pytest.mark.parametrize("kind", JPEGS)
def test_decodes_jpegs_as_tensorflow_does(kind):
    data = JPEGS[kind]()
    expected = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    np.testing.assert_array_equal(decode(data), expected)
    assert check(data) == ((30, 40), kind != "cmyk jpeg", None, None)


def test_16_bit_gray_is_scaled():
    levels = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    assert decode(encode(levels, "PNG"))[0, :, 0].tolist() == [0, 1, 128, 255]


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


def test_orientation_is_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.fromarray(smooth(20, 40)).save(tmp_path / "a.jpg", exif=exif)
    assert decode(tmp_path / "a.jpg").shape == (20, 40, 3)
    assert check(str(tmp_path / "a.jpg")).size == (20, 40)


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

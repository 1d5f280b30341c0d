import io
import os
import zipfile

import numpy as np
import pytest

from byol_keras.data.arrays import from_arrays, from_npz
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.errors import InputError

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)


def test_uint8_is_taken_as_it_is():
    source = from_arrays(IMAGES)
    np.testing.assert_array_equal(source.images, IMAGES)
    assert source.names == ("0", "1", "2", "3")
    assert source.sizes.tolist() == [[5, 6]] * 4
    assert source.sizes.dtype == np.int32
    assert source.channels == 3
    assert (source.labels, source.paths, source.jpeg) == (None, None, None)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_point_comes_back_as_it_was(dtype):
    source = from_arrays((IMAGES / 255.0).astype(dtype))
    assert source.images.dtype == np.uint8
    np.testing.assert_array_equal(source.images, IMAGES)


def test_floating_point_is_rounded_not_cut():
    assert from_arrays(np.full((1, 1, 1, 1), 0.999)).images.item() == 255


def test_gray_without_an_axis_for_it():
    source = from_arrays(IMAGES[..., 0])
    assert source.images.shape == (4, 5, 6, 1)
    assert source.channels == 1


@pytest.mark.parametrize("channels", [1, 2, 4, 13])
def test_any_number_of_channels(channels):
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 6, channels), dtype=np.uint8)
    source = from_arrays(images)
    assert source.channels == channels
    assert source.images is images


@pytest.mark.parametrize(
    ("values", "dtype", "value_range", "levels"),
    [
        ([0, 1, 2048, 4095], np.uint16, (0, 4095), [0, 16, 32776, 65535]),
        ([0, 1, 32768, 65535], np.uint16, (0, 65535), [0, 1, 32768, 65535]),
        ([-1000, 0, 1000, 3000], np.int16, (-1000, 3000), [0, 16384, 32768, 65535]),
        ([0.0, 0.25, 0.5, 2.0], np.float32, [0, 2], [0, 8192, 16384, 65535]),
        ([-1.0, 0.0, 0.5, 1.0], np.float16, np.array([-1, 1]), [0, 32768, 49151, 65535]),
        ([0, 1, 128, 255], np.uint8, (0, 255), [0, 257, 32896, 65535]),
    ],
)
def test_a_stated_range_keeps_16_bits(values, dtype, value_range, levels):
    source = from_arrays(np.array(values, dtype).reshape(1, 2, 2, 1), value_range=value_range)
    assert source.images.dtype == np.uint16
    np.testing.assert_allclose(source.images.ravel(), levels, atol=0 if dtype != np.float16 else 1)
    (batch,) = ordered_batches(source, 2).as_numpy_iterator()
    low, high = map(float, value_range)
    np.testing.assert_allclose(batch.ravel(), (np.array(values) - low) / (high - low), atol=1e-5)


@pytest.mark.parametrize(
    ("images", "value_range", "message"),
    [
        (np.full((1, 2, 2, 1), 4096, np.uint16), (0, 4095), r"within \[0, 4095\]. Received: values from 4096 to 4096"),
        (np.full((1, 2, 2, 1), -0.1), (0, 1), r"within \[0, 1\]. Received: values from -0.1 to -0.1"),
        (np.full((1, 2, 2, 1), np.nan), (0, 1), "values from nan to nan"),
        (IMAGES, (255, 0), r"two numbers, the lower one first. Received: value_range=\[255, 0\]"),
        (IMAGES, (0, np.inf), "two numbers"),
        (IMAGES, [[0, 1], [0, 1]], r"value_range=\[\[0, 1\], \[0, 1\]\]"),
        (IMAGES, ("0", "1"), "two numbers"),
        (IMAGES.astype(str), (0, 1), "must be numbers"),
    ],
)
def test_ranges_that_are_refused(images, value_range, message):
    with pytest.raises(InputError, match=message) as error:
        from_arrays(images, value_range=value_range)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("labels", [[0, 1, 0, 2], np.array([[0], [1], [0], [2]], np.uint8)])
def test_labels(labels):
    source = from_arrays(IMAGES, labels, class_names=["a", "b", "c"])
    assert source.labels.tolist() == [0, 1, 0, 2]
    assert source.labels.dtype == np.int64
    assert source.class_names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES[0, 0], r"images must be \(N, H, W, C\).*shape=\(6, 3\)"),
        (IMAGES[None], r"shape=\(1, 4, 5, 6, 3\)"),
        (IMAGES[:0], r"must not be empty.*shape=\(0, 5, 6, 3\)"),
        (np.zeros((2, 3, 4, 5), np.uint8), r"channels as the last axis.*shape=\(2, 3, 4, 5\)"),
        (IMAGES.astype(np.int64), "have a value_range, such as 0, 4095 for 12 bits.*dtype=int64"),
        (IMAGES.astype(np.uint16), "have a value_range, such as 0, 4095 for 12 bits.*dtype=uint16"),
        (IMAGES.astype(np.float32), "within \\[0, 1\\].*values from 0 to 255"),
        (IMAGES / 127.5 - 1.0, "values from -1 to 1"),
        (np.full((1, 2, 2, 3), np.nan), "values from nan to nan"),
        ([np.zeros((2, 2, 3)), np.zeros((3, 3, 3))], "several sizes"),
    ],
)
def test_images_that_are_refused(images, message):
    with pytest.raises(InputError, match=message):
        from_arrays(images)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], r"each of the 4 images.*shape=\(2,\)"),
        (np.eye(4, dtype=int), r"shape=\(4, 4\)"),
        ([0.0, 1.0, 0.0, 1.0], "whole numbers.*dtype=float64"),
        (["a", "b", "a", "b"], "whole numbers"),
        ([0, -1, 0, 1], "from 0 to 10,000,000. Received: labels from -1 to 1"),
        ([0, 10**12, 0, 1], "Received: labels from 0 to 1000000000000"),
        (np.array([0, 2**64 - 1, 0, 1], np.uint64), "to 18446744073709551615"),
        ([0, 1, 0, 3], "Label 3 has no name. Received: 3 class_names"),
    ],
)
def test_labels_that_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        from_arrays(IMAGES, labels, class_names=["a", "b", "c"])


def test_npz(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, images=IMAGES, labels=[0, 1, 1, 0], class_names=["cat", "dog"], test_images=IMAGES)
    source = from_npz(path)
    np.testing.assert_array_equal(source.images, IMAGES)
    assert source.labels.tolist() == [0, 1, 1, 0]
    assert source.class_names == ("cat", "dog")


def test_npz_with_a_range(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.full((2, 4, 4, 1), 1000, np.uint16), value_range=(0, 2000))
    assert (from_npz(tmp_path / "a.npz").images == 32768).all()
    np.savez(tmp_path / "b.npz", images=np.full((2, 4, 4, 1), 2001, np.uint16), value_range=(0, 2000))
    with pytest.raises(
        InputError, match=r"b\.npz: images must be within \[0, 2000\]. Received: values from 2001 to 2001"
    ):
        from_npz(tmp_path / "b.npz")


def test_npz_of_images_only(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", images=IMAGES)
    assert from_npz(tmp_path / "a.npz").labels is None


def write_pickle(path):
    np.savez(path, images=np.array([None, {}], object))


def write_npy(path):
    with open(path, "wb") as file:
        np.save(file, IMAGES)


def write_cut_off(path):
    np.savez(path, images=IMAGES)
    path.write_bytes(path.read_bytes()[:200])


def write_damaged(path):
    np.savez_compressed(path, images=IMAGES)
    data = bytearray(path.read_bytes())
    compressed = 30 + int.from_bytes(data[26:28], "little") + int.from_bytes(data[28:30], "little")  # after the header
    data[compressed] = 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.write_bytes(b""), "not a readable"),
        (lambda path: path.write_bytes(b"hello"), "not a readable"),
        (lambda path: np.savez(path, pixels=IMAGES, y=[1]), "no array named images. Received: pixels, y"),
        (lambda path: np.savez(path), "Received: no arrays"),
        (lambda path: np.savez(path, images=IMAGES[0, 0]), "shape="),
        (lambda path: np.savez(path, images=IMAGES, labels=[1]), "each of the 4 images"),
        (write_pickle, "not a readable"),
        (write_npy, "one array, not an .npz"),
        (write_cut_off, "not a readable"),
        (write_damaged, "not a readable"),
    ],
)
def test_npz_that_is_refused(tmp_path, write, message):
    path = tmp_path / "a.npz"
    write(path)
    with pytest.raises(InputError, match=message) as error:
        from_npz(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"a\.npz: not a readable \.npz file.*a fifo, not a file"):
        from_npz(tmp_path / "a.npz")


def test_arrays_that_cannot_fit_are_refused(tmp_path):
    header = io.BytesIO()
    claim = {"descr": "|u1", "fortran_order": False, "shape": (10**14, 3, 3)}
    np.lib.format.write_array_header_1_0(header, claim)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("images.npy", header.getvalue() + bytes(100))
    with pytest.raises(InputError, match=r"a\.npz: its arrays do not fit into memory"):
        from_npz(tmp_path / "a.npz")

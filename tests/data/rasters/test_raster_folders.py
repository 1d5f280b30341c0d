"""Folders of rasters as sources: found, labeled, checked once, read as they are needed, and what is said of them."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.augment.view import VIEW_1
from byol_keras.data import cache_file, from_arrays, open_source, two_view_batches, write_shards
from byol_keras.data.channels import fitting_channels, with_channels
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.folder import find_images
from byol_keras.data.image_pixels import image_of
from byol_keras.data.lost_files import lost_files, naming_lost_files
from byol_keras.data.open import open_files
from byol_keras.data.rasters.raster_reading import RasterReading
from byol_keras.data.train_pipeline import labeled_batches
from byol_keras.errors import InputError

from .raster_files import deep_png, dicom, npy, tiff


def bands(i, size=(20, 24), channels=4):
    return np.random.default_rng(i).integers(0, 65536, (*size, channels)).astype(np.uint16)


def write(root, files):
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def contig(values):
    return tiff(values, photometric="minisblack", planarconfig="contig")


@pytest.fixture
def folder(tmp_path):
    return write(
        tmp_path / "bands",
        {
            "wood/2024/a.tif": contig(bands(0)),
            "wood/b.npy": npy(bands(1)),
            "field/c.TIFF": contig(bands(2)),
            "field/.hidden.npy": npy(bands(3)),
            ".git/d.npy": npy(bands(4)),
            "field/notes.txt": b"none",
        },
    )


def test_a_folder_of_them_is_a_source(folder):
    source = open_source(folder)
    assert source.names == ["field/c.TIFF", "wood/2024/a.tif", "wood/b.npy"]
    assert (source.class_names, source.labels.tolist()) == (("field", "wood"), [0, 1, 1])
    assert source.images.dtype == np.uint16
    np.testing.assert_array_equal(source.images, [bands(2), bands(0), bands(1)])
    assert (source.channels, fitting_channels(source), source.reading.channels) == (4, 4, 4)


def test_those_of_several_sizes_are_read_as_they_are_needed(folder):
    (folder / "wood/e.npy").write_bytes(npy(bands(5, (31, 18))))
    source = open_source(folder)
    assert source.images is None
    assert source.sizes.tolist() == [[20, 24], [20, 24], [20, 24], [31, 18]]
    held = from_arrays(np.stack([bands(2), bands(0), bands(1)]), value_range=(0, 65535))
    batches = np.concatenate([*ordered_batches(source, 20).as_numpy_iterator()])
    assert batches.shape == (4, 20, 20, 4)
    expected = np.concatenate([*ordered_batches(held, 20).as_numpy_iterator()])
    np.testing.assert_allclose(batches[:3], expected, atol=2e-6)
    np.testing.assert_allclose(batches[0], bands(2)[:, 2:22] / 65535, atol=2e-6)
    # A crop of a flat image is flat whatever its box: each gets the pixels of its own file.
    (views,) = next(iter(two_view_batches(source, TwoViews(8), 4, 1, seed=0)))
    assert views[0].shape == views[1].shape == (4, 8, 8, 4)
    images, labels = next(iter(labeled_batches(source, 8, 4, 1, seed=0)))
    assert (images.shape, sorted(labels.numpy().tolist())) == ((4, 8, 8, 4), [0, 1, 1, 1])


def test_crops_are_of_the_right_place(tmp_path):
    """The first channel says the row of each pixel, the second its column."""
    values = np.zeros((40, 60, 2), np.uint16)
    values[..., 0] = np.arange(40)[:, None] * 1000
    values[..., 1] = np.arange(60) * 1000
    write(tmp_path, {f"{i}.npy": npy(values) for i in range(2)})
    source = open_source(tmp_path, memory_budget=0)
    plain = VIEW_1 | {"crop_area": (0.2, 0.3)} | dict.fromkeys(("flip", "jitter", "blur", "grayscale"), 0.0)
    (views,) = next(iter(two_view_batches(source, TwoViews(8, view_1=plain, view_2=plain), 2, 1, seed=3)))
    for view in np.concatenate(views) * 65.535:
        rows, columns = view[..., 0], view[..., 1]
        assert np.ptp(rows, axis=1).max() < 1e-3  # a row is a row
        assert np.ptp(columns, axis=0).max() < 1e-3
        assert (np.diff(rows[:, 0]) > 0).all()
        assert (np.diff(columns[0]) > 0).all()
        assert 0 <= rows.min() < rows.max() <= 39.01
        assert 0 <= columns.min() < columns.max() <= 59.01


def test_broken_ones_are_named_once_and_excluded(folder, capsys):
    for i in range(20):
        (folder / f"wood/n{i}.npy").write_bytes(npy(bands(i)))
    (folder / "wood/cut.npy").write_bytes(npy(bands(0))[:-1])
    source = open_source(folder)
    assert source.broken == (("wood/cut.npy", "cut off: 3,839 of 3,840 bytes are there"),)
    assert "1 of 24 images cannot be decoded and are excluded: wood/cut.npy (cut off" in capsys.readouterr().err


def test_the_check_is_cached_for_each_range(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(cache_file, "GRANULARITY", 0)
    read = []
    check = RasterReading.check
    monkeypatch.setattr(RasterReading, "check", lambda *given: read.append(given[1]) or check(*given))

    def opened(value_range=None):
        read.clear()
        source = open_source(folder, memory_budget=0, value_range=value_range)
        return source, len(read)

    first, count = opened()
    assert count >= 3
    again, count = opened()
    assert count == 0
    assert (again.sizes.tolist(), again.channels) == (first.sizes.tolist(), 4)
    with pytest.raises(InputError, match=r"3 of 3 images cannot be decoded: .*outside of 0 to 4095"):
        opened((0, 4095))
    assert opened()[1] == 0
    (folder / "wood/b.npy").write_bytes(npy(bands(9)))
    assert opened()[1] == 1


def test_channels_that_differ_are_one_line(folder):
    (folder / "wood/z.npy").write_bytes(npy(bands(5, channels=3)))
    for budget in (0, 2**30):
        with pytest.raises(InputError, match="images differ in their channels") as raised:
            open_source(folder, memory_budget=budget)
        assert str(raised.value) == (
            f"{folder}: The images differ in their channels: 3 in 1 (wood/z.npy), 4 in 3 (field/c.TIFF). Put those of "
            "each kind in a folder of their own."
        )


def test_gray_becomes_color_and_color_gray(tmp_path):
    gray = write(tmp_path / "gray", {f"{i}.tif": tiff(bands(i)[..., 0]) for i in range(2)})
    for budget in (0, 2**30):
        source = open_source(gray, memory_budget=budget)
        assert (source.channels, fitting_channels(source)) == (1, 1)
        color = with_channels(source, 3)
        batch = np.concatenate([*ordered_batches(color, 20).as_numpy_iterator()])
        np.testing.assert_allclose(batch, np.repeat(batch[..., :1], 3, axis=-1))
    with pytest.raises(InputError, match="Images of 4 channels are needed"):
        with_channels(source, 4)


def test_beside_jpeg_and_the_like_they_are_not_read(folder, capsys):
    Image.new("RGB", (9, 9)).save(folder / "wood" / "x.png")
    assert find_images(folder) == ["wood/x.png"]
    source = open_source(folder)
    assert (source.names, source.reading) == (["wood/x.png"], None)
    assert capsys.readouterr().err == f"{folder}: not read beside the other images: 1 .tif, 1 .tiff\n"


def test_kinds_that_are_never_read_are_counted_beside_them_too(folder, capsys):
    (folder / "wood/x.heic").write_bytes(b"none")
    assert len(open_source(folder)) == 3
    assert capsys.readouterr().err == f"{folder}: not read before they are converted: 1 .heic\n"
    assert len(open_source(folder, value_range=(0, 65535))) == 3
    assert capsys.readouterr().err == f"{folder}: not read before they are converted: 1 .heic\n"


def test_a_range_reads_png_in_full_depth(tmp_path, capsys):
    values = [np.random.default_rng(i).integers(0, 4096, (6, 7)).astype(np.uint16) for i in range(2)]
    write(tmp_path, {"a.png": deep_png(values[0]), "b.png": deep_png(values[1]), "c.jpg": b"none"})
    source = open_source(tmp_path, value_range=(0, 4095))
    assert source.names == ["a.png", "b.png"]
    expected = np.round(np.stack(values)[..., None] / 4095 * 65535)
    np.testing.assert_array_equal(source.images, expected)
    assert capsys.readouterr().err == f"{tmp_path}: not read with a value range: 1 .jpg\n"
    (tmp_path / "c.jpg").unlink()
    plain = open_source(tmp_path)
    assert plain.images.dtype == np.uint8
    np.testing.assert_array_equal(plain.images[..., 0], np.stack(values) >> 8)
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path}: 2 of 2 images have 16 bits and use less than 1/16 of their range, so at most")
    assert "state it by `value_range` 0 4095" in said


def test_rasters_of_few_levels_are_said_too(tmp_path, capsys):
    write(tmp_path, {"a.tif": tiff(np.full((4, 4), 4000, np.uint16)), "b.tif": tiff(np.full((4, 4), 60000, np.uint16))})
    open_source(tmp_path)
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path}: 1 of 2 images have 16 bits and use less than 1/16 of their range: if all are")


def test_a_range_is_for_what_has_one(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"No images in .*\.npy, \.tif, \.tiff, \.dcm, \.png; without a `value_range`"):
        open_source(tmp_path, value_range=(0, 4095))
    with pytest.raises(InputError, match="A value range is for a folder of"):
        open_source("tfds:mnist", value_range=(0, 4095))
    with pytest.raises(InputError, match="value_range must be two numbers, the lower one first"):
        open_source(tmp_path, value_range=(4095, 0))
    np.savez(tmp_path / "own.npz", images=np.zeros((2, 4, 4), np.uint16), value_range=(0, 1023))
    with pytest.raises(InputError, match=r"own\.npz: its values are from 0 to 1023, and 0 to 4095 are asked for"):
        open_source(tmp_path / "own.npz", value_range=(0, 4095))
    assert open_source(tmp_path / "own.npz", value_range=(0, 1023)).images.dtype == np.uint16
    np.savez(tmp_path / "none.npz", images=np.full((2, 4, 4), 4095, np.uint16))
    assert (open_source(tmp_path / "none.npz", value_range=(0, 4095)).images == 65535).all()


def test_a_missing_package_is_said_before_the_work(folder, monkeypatch):
    monkeypatch.setattr("byol_keras.utils.extras.has_extra", lambda *modules: "tifffile" not in modules)
    with pytest.raises(
        InputError, match=r'TIFF images needs tifffile. Install it: pip install "byol_keras\[rasters\]"'
    ):
        open_source(folder)


def test_single_files(folder, capsys):
    source = open_files([folder / "wood", folder / "field/c.TIFF"])
    assert len(source) == 3
    np.testing.assert_array_equal(image_of(source, 2), bands(2)[..., :3] >> 8)
    streamed = dataclasses.replace(source, images=None)
    np.testing.assert_array_equal(image_of(streamed, 2), bands(2)[..., :3] >> 8)
    Image.new("RGB", (4, 4)).save(folder / "a.jpg")
    with pytest.raises(InputError, match=r"1 of 2 images are \.npy, TIFF or DICOM files, and the others are not"):
        open_files([folder / "wood/b.npy", folder / "a.jpg"])


def test_lost_and_changed_ones_are_named(folder):
    source = open_source(folder, memory_budget=0)
    (folder / "wood/b.npy").write_bytes(npy(bands(1, channels=3)))
    assert lost_files(source, range(3)) == {2: "3 channels, and the others have 4"}
    lost = pytest.raises(InputError, match=r"1 of 3 images can no longer be read: wood/b\.npy \(3 channels")
    with lost, naming_lost_files(source):
        [*ordered_batches(source, 8).as_numpy_iterator()]
    (folder / "wood/b.npy").write_bytes(npy(bands(1, (9, 9))))
    assert lost_files(source, range(3)) == {2: "9 x 9 pixels now, and 20 x 24 before"}


def test_shards_do_not_hold_them(folder, tmp_path):
    with pytest.raises(InputError, match="Shards hold JPEG, PNG and the like as 8 bits"):
        write_shards(open_source(folder, hold_pixels=False), tmp_path / "shards")


def test_dicom_of_one_folder(tmp_path):
    values = [np.random.default_rng(i).integers(0, 4096, (8, 8)).astype(np.uint16) for i in range(3)]
    write(tmp_path, {f"ct/{i}.dcm": dicom(values[i], RescaleIntercept=-1024) for i in range(3)})
    source = open_source(tmp_path, value_range=(-1024, 3071))
    np.testing.assert_array_equal(source.images, np.round(np.stack(values)[..., None] / 4095 * 65535))
    assert source.class_names == ("ct",)

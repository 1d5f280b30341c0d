import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from byol_keras.data.folder import find_images, from_folder, report_unlabeled
from byol_keras.errors import InputError


def save(path, level=0, size=(4, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path


def test_labels_are_the_first_folder(tmp_path):
    for level, name in enumerate(["b/1.png", "a/deep/er/2.png", "b/0.png", "a/3.png"]):
        save(tmp_path / name, level)
    source = from_folder(tmp_path)
    assert source.names == ("a/3.png", "a/deep/er/2.png", "b/0.png", "b/1.png")
    assert source.class_names == ("a", "b")
    assert source.labels.tolist() == [0, 0, 1, 1]
    assert source.labels.dtype == np.int64
    assert source.images[:, 0, 0, 0].tolist() == [3, 1, 2, 0]
    assert source.paths == tuple(str(tmp_path / name) for name in source.names)
    assert source.jpeg.tolist() == [False] * 4


def test_paths_are_absolute(tmp_path, monkeypatch):
    save(tmp_path / "data/a/0.png")
    monkeypatch.chdir(tmp_path)
    assert from_folder("data").paths == (str(tmp_path / "data/a/0.png"),)


def test_images_directly_in_the_folder_mean_no_labels(tmp_path):
    for name in ("0.png", "a/1.png", "b/2.png"):
        save(tmp_path / name)
    source = from_folder(tmp_path)
    assert source.labels is None
    assert source.class_names is None
    assert report_unlabeled(source).startswith("1 of 3 images lie beside the subfolders")


def test_a_flat_folder_needs_no_report(tmp_path):
    save(tmp_path / "0.png")
    save(tmp_path / "a/0.png")
    (tmp_path / "a/0.png").unlink()
    assert report_unlabeled(from_folder(tmp_path)) == ""


def test_a_class_of_broken_images_keeps_its_number(tmp_path):
    save(tmp_path / "a/0.png").write_bytes(b"x")
    save(tmp_path / "b/0.png")
    source = from_folder(tmp_path)
    assert source.class_names == ("a", "b")
    assert source.labels.tolist() == [1]
    assert [name for name, _ in source.broken] == ["a/0.png"]
    assert source.paths == (str(tmp_path / "b/0.png"),)


def test_which_files_are_images(tmp_path):
    wanted = ["a.JPG", "b.jpeg", "c.Png", "d.webp", "e.bmp", "f.gif", "no dot/ä ö 猫.png"]
    for name in [*wanted, ".hidden.png", ".cache/g.png", "notes.tiff"]:
        save(tmp_path / name)
    (tmp_path / "list.txt").write_text("png")
    (tmp_path / "png").write_text("")
    assert find_images(tmp_path) == wanted
    assert set(from_folder(tmp_path).names) == set(wanted)


def test_images_of_several_sizes_stay_in_their_files(tmp_path):
    save(tmp_path / "a/0.jpg", size=(30, 20))
    save(tmp_path / "a/1.png", size=(20, 30))
    source = from_folder(tmp_path)
    assert source.images is None
    assert source.channels == 3
    assert source.sizes.tolist() == [[20, 30], [30, 20]]
    assert source.jpeg.tolist() == [True, False]


def test_linked_folders_are_followed_but_not_in_circles(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    save(elsewhere / "0.png")
    root = tmp_path / "root"
    save(root / "a/1.png")
    (root / "linked").symlink_to(elsewhere)
    (root / "a/up").symlink_to(root)
    (elsewhere / "itself").symlink_to(elsewhere)
    assert find_images(root) == ["a/1.png", "linked/0.png"]


def test_a_folder_linked_twice_counts_twice(tmp_path):
    save(tmp_path / "a/0.png")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert find_images(tmp_path) == ["a/0.png", "b/0.png"]


def test_a_link_that_leads_nowhere_is_reported(tmp_path):
    save(tmp_path / "0.png")
    (tmp_path / "1.png").symlink_to(tmp_path / "gone.png")
    assert from_folder(tmp_path).broken == (("1.png", "No such file or directory"),)


def test_a_pipe_is_not_an_image(tmp_path):
    for i in range(20):
        save(tmp_path / f"{i}.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("pipe.png")
    source = from_folder(tmp_path)
    assert len(source) == 20
    assert source.broken == (("link.png", "a fifo, not a file"), ("pipe.png", "a fifo, not a file"))


def test_a_link_in_a_circle_is_one_bad_file(tmp_path):
    save(tmp_path / "0.png")
    (tmp_path / "1.png").symlink_to("1.png")
    assert from_folder(tmp_path).broken == (("1.png", "Too many levels of symbolic links"),)


def test_a_link_to_a_folder_that_is_gone_is_named(tmp_path):
    save(tmp_path / "a/0.png")
    (tmp_path / "b").symlink_to("/mnt/not there")
    (tmp_path / "notes.txt").symlink_to("nowhere")  # no image, whether it is there or not
    source = from_folder(tmp_path)
    assert source.broken == (("b", "No such file or directory"),)
    assert source.class_names == ("a",)
    assert source.labels.tolist() == [0]


def test_a_class_whose_name_is_not_utf_8_is_none(tmp_path):
    for i in range(10):
        save(tmp_path / f"a/{i}.png")
    save(tmp_path / "caf\udce9/0.png")
    source = from_folder(tmp_path)
    assert source.class_names == ("a",)
    assert source.labels.tolist() == [0] * 10
    assert source.broken == (("caf\udce9/0.png", "the file's name is not UTF-8: rename it"),)


def test_folders_a_thousand_deep(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    save(tmp_path / "0.png")
    save(tmp_path / "/".join(["d"] * 1000) / "1.png")
    try:
        assert len(find_images(tmp_path)) == 2
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # Python's own way is recursive


@pytest.fixture
def nobody():
    """A folder of a user who may not read everything, as whom the test runs."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)


def test_what_may_not_be_read_is_excluded(nobody):
    for name in ("a/0.png", "a/sub/1.png", "b/2.png", "c/3.png"):
        save(nobody / name)
    for i in range(30):
        save(nobody / f"a/{i + 10}.png")
    (nobody / "a/sub").chmod(0)
    (nobody / "b").chmod(0o600)
    (nobody / "c/3.png").chmod(0)
    try:
        source = from_folder(nobody)
    finally:
        for name in ("a/sub", "b"):
            (nobody / name).chmod(0o700)
    assert len(source) == 31
    denied = "Permission denied"
    assert source.broken == (("a/sub/", denied), ("b/2.png", denied), ("c/3.png", denied))
    assert source.class_names == ("a", "b", "c")
    assert source.labels.tolist() == [0] * 31


def test_the_folder_itself_must_be_readable(nobody):
    (nobody / "photos").mkdir(mode=0)
    with pytest.raises(InputError, match=r"Cannot read the folder .*photos: Permission denied"):
        from_folder(nobody / "photos")


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match=r"No such folder: .*none"):
        from_folder(tmp_path / "none")


def test_empty_folder_names_the_suffixes(tmp_path):
    (tmp_path / "a.psd").write_text("")
    with pytest.raises(InputError, match=r"No images in .*\.jpg, \.jpeg, \.png, \.webp, \.bmp, \.gif"):
        from_folder(tmp_path)


def test_images_of_a_kind_that_is_not_read_are_counted(tmp_path, capsys):
    save(tmp_path / "a/0.jpg")
    for name in ("a/1.HEIC", "b/2.heic", "b/3.avif", "b/.hidden.heic", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert from_folder(tmp_path).names == ("a/0.jpg",)
    assert capsys.readouterr().err == f"{tmp_path}: not read before they are converted: 1 .avif, 2 .heic\n"
    (tmp_path / "a/0.jpg").unlink()
    with pytest.raises(InputError, match=r"Not read before they are converted: 1 \.avif, 2 \.heic$"):
        from_folder(tmp_path)

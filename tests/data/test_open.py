import numpy as np
import pytest
from PIL import Image

from byol_keras.data import open as opening
from byol_keras.data import open_source
from byol_keras.data.open import open_files
from byol_keras.errors import InputError


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)


def test_folder(tmp_path, capsys):
    save(tmp_path / "a/0.png")
    assert open_source(str(tmp_path)).class_names == ("a",)
    assert open_source(tmp_path, memory_budget=1).images is None
    assert capsys.readouterr() == ("", "")


def test_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "set/a/0.png")
    assert len(open_source("~/set")) == 1


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 3, 3), np.uint8))
    (tmp_path / "a.npz").rename(tmp_path / "a.NPZ")
    assert len(open_source(tmp_path / "a.NPZ")) == 2


@pytest.mark.parametrize(
    ("text", "name", "split"),
    [
        ("tfds:mnist", "mnist", "train"),
        ("tfds:mnist:", "mnist", "train"),
        ("tfds:imagenette/320px:validation", "imagenette/320px", "validation"),
        ("tfds:mnist:train[:10%]+test", "mnist", "train[:10%]+test"),
    ],
)
def test_tfds(monkeypatch, tmp_path, text, name, split):
    save(tmp_path / "a/0.png")
    images, asked = open_source(tmp_path), []
    monkeypatch.setattr(opening, "from_tfds", lambda *args, **options: asked.append((args, options)) or images)
    assert open_source(text, memory_budget=7) is images
    assert asked == [((name, split), {"memory_budget": 7, "hold_pixels": True})]


def test_what_was_excluded_is_said_once_on_stderr(tmp_path, capsys):
    save(tmp_path / "0.png")
    save(tmp_path / "a/1.png")
    (tmp_path / "bad.png").write_bytes(b"")
    open_source(tmp_path)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"{tmp_path}: 1 of 3 images cannot be decoded and are excluded: bad.png (the file is empty)",
        f"{tmp_path}: 1 of 2 images lie beside the subfolders, so these are not taken as labels",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("none", "No such file or folder: 'none'"),
        ("none.npz", "No such file: none.npz"),
        ("", "No such file or folder: ''"),
        ("tfds:", "tfds:NAME or tfds:NAME:SPLIT"),
        ("photos.tar", r"No such file or folder: 'photos\.tar'"),
        ("notes.txt", r"Not a folder, a \.tar, \.parquet or \.npz file, or tfds:NAME: notes\.txt"),
        ("empty", "No images in empty"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        open_source(text)


def test_files_and_folders_of_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.png")
    save(tmp_path / "folder/b.png")
    (tmp_path / "folder/dangling.png").symlink_to("nowhere")
    (tmp_path / "folder/itself.png").symlink_to("itself.png")
    assert open_files(["a.png", "folder", "/dev/zero"]).names == ("a.png", "folder/b.png")
    (line,) = capsys.readouterr().err.splitlines()
    for said in (
        "folder/dangling.png (No such file or directory)",
        "folder/itself.png (Too many levels of symbolic links)",
        "/dev/zero (a device, not a file)",
    ):
        assert said in line


def test_a_file_that_is_named_has_to_be_there(tmp_path):
    (tmp_path / "dangling.png").symlink_to("nowhere")
    for name in ("none.png", "dangling.png"):
        with pytest.raises(InputError, match=f"^No such image: .*{name}$"):
            open_files([tmp_path / name])
    with pytest.raises(InputError, match=r"^None of the images can be decoded: /dev/zero \(a device, not a file\)$"):
        open_files(["/dev/zero"])


def test_names_cannot_reach_the_terminal(tmp_path, capsys):
    save(tmp_path / "0.png")
    (tmp_path / "\x1b[31mred\n\u202e.png").write_bytes(b"")
    open_source(tmp_path)
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path}: 1 of 2 images cannot be decoded and are excluded: "
        r"\x1b[31mred\n\u202e.png (the file is empty)"
    ]


def test_12_bits_in_16_are_said_once(tmp_path, capsys):
    for i, level in enumerate((4000, 100, 60000)):
        Image.fromarray(np.full((4, 4), level, np.uint16)).save(tmp_path / f"{i}.png")
    open_source(tmp_path)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}: 2 of 3 images have 16 bits and use less than 1/16 of their range")

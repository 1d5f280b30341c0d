"""What was found out about a folder's files is used again, and never when it no longer holds."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from byol_keras.data import check_cache, validate
from byol_keras.data.cache_file import CacheFile, cache_folder
from byol_keras.data.check_cache import CheckCache
from byol_keras.data.folder import from_folder
from byol_keras.errors import InputError

from .turned import blocks, stored


@pytest.fixture
def caches(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(CacheFile, "_said", False)
    return tmp_path / "caches/byol_keras/checks"


@pytest.fixture
def decoded(monkeypatch):
    """The files that the check decodes, by name, from now on."""
    names, check = [], validate.check

    def noting(source, held_size=None):
        names.append(os.path.basename(source))
        return check(source, held_size)

    monkeypatch.setattr(validate, "check", noting)
    return names


def age(path, seconds=60):
    """Sets a file's time of change back: what has just been written is not trusted."""
    then = os.stat(path).st_mtime - seconds
    os.utime(path, (then, then))
    return path


def save(path, size=(8, 6), level=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, 0, 0)).save(path)
    return age(path)


@pytest.fixture
def photos(tmp_path):
    """27 files of two sizes; one is stored turned, one is no image, one has 12 bits in 16."""
    root = tmp_path / "photos"
    for i in range(24):
        save(root / "ab"[i % 2] / f"{i}.{'jpg' if i % 3 else 'png'}", size=(8, 6 + i % 2))
    (root / "a/turned.jpg").write_bytes(stored(blocks(), 6))
    (root / "b/bad.png").write_bytes(b"no image")
    Image.fromarray(np.full((4, 4), 4000, np.uint16)).save(root / "b/low.png")
    for name in ("a/turned.jpg", "b/bad.png", "b/low.png"):
        age(root / name)
    return root


def facts(source):
    arrays = (source.sizes, source.jpeg, source.orientations, source.labels)
    return [list(source.names), list(source.paths), source.class_names, source.broken, *(a.tolist() for a in arrays)]


def test_opened_again_nothing_is_decoded_and_all_is_the_same(caches, photos, decoded, capsys):
    before = from_folder(photos)
    assert sorted({*decoded}) == sorted(os.path.basename(path) for path in [*before.paths, "bad.png"])
    said = capsys.readouterr().err
    decoded.clear()
    again = from_folder(photos)
    assert decoded == []
    assert facts(again) == facts(before)
    assert capsys.readouterr().err == said != ""
    assert [array.dtype for array in (again.sizes, again.jpeg, again.orientations)] == [np.int32, bool, np.int32]
    assert again.broken == (("b/bad.png", "not a readable JPEG, PNG, WebP, BMP or GIF file"),)
    assert before.orientations[list(before.names).index("a/turned.jpg")] == 6
    assert sum(path.is_file() for path in photos.rglob("*")) == 27


def test_only_what_is_new_or_has_changed_is_decoded(caches, photos, decoded):
    from_folder(photos)
    save(photos / "a/new.png", size=(9, 9))
    save(photos / "b/1.jpg", size=(5, 5))
    save(photos / "b/bad.png", size=(7, 7))
    (photos / "a/0.png").unlink()
    decoded.clear()
    source = from_folder(photos)
    assert sorted(decoded) == ["1.jpg", "bad.png", "new.png"]
    size = dict(zip(source.names, source.sizes.tolist(), strict=True))
    assert (size["a/new.png"], size["b/1.jpg"], size["b/bad.png"]) == ([9, 9], [5, 5], [7, 7])
    assert "a/0.png" not in size
    assert source.broken == ()


def test_a_change_is_seen_behind_the_same_size_and_time(caches, photos):
    path = photos / "a/2.jpg"
    status, content = os.stat(path), path.read_bytes()
    assert not from_folder(photos).broken[1:]
    path.write_bytes(b"x" * len(content))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (os.stat(path).st_size, os.stat(path).st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert [name for name, _ in from_folder(photos).broken] == ["a/2.jpg", "b/bad.png"]


def test_what_changed_just_before_is_not_trusted(caches, photos, decoded):
    os.utime(photos / "a/0.png")
    from_folder(photos)
    decoded.clear()
    from_folder(photos)
    assert {*decoded} == {"0.png"}


def test_what_may_be_otherwise_the_next_time_is_not_saved(caches, photos, monkeypatch):
    check = validate.check

    def failing(source, held_size=None):
        return check("/none" if source.endswith("/4.jpg") else source, held_size)

    with monkeypatch.context() as patch:
        patch.setattr(validate, "check", failing)
        assert ("a/4.jpg", "No such file or directory") in from_folder(photos).broken
    assert [name for name, _ in from_folder(photos).broken] == ["b/bad.png"]


def test_pixels_in_memory_are_decoded_each_time(caches, tmp_path, decoded):
    for i in range(40):
        save(tmp_path / f"photos/{i:02}.png", level=i)
    for _ in range(2):
        decoded.clear()
        source = from_folder(tmp_path / "photos")
        assert source.images[:, 0, 0, 0].tolist() == [*range(40)]
        assert len({*decoded}) == 40
    assert from_folder(tmp_path / "photos", memory_budget=0).images is None
    decoded.clear()
    save(tmp_path / "photos/40.png", size=(9, 9))
    assert from_folder(tmp_path / "photos").images is None


OPEN = """
import os, signal, sys
from byol_keras.data import validate
from byol_keras.data.check_cache import CheckCache
from byol_keras.data.folder import from_folder
check, decoded, found = validate.check, set(), 0
def noting(source, size=None):
    decoded.add(source)
    return check(source, size)
def is_due(cache):
    global found
    found += 1
    if found == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return found == 100
validate.check, CheckCache.is_due = noting, is_due
from_folder(sys.argv[1])
print(len(decoded))
"""


@pytest.mark.slow
def test_a_killed_check_goes_on_where_it_was(caches, tmp_path):
    for i in range(300):
        save(tmp_path / f"photos/{i:03}.png", size=(2, 2 + i % 2))
    command = [sys.executable, "-c", OPEN, str(tmp_path / "photos")]
    killed = subprocess.run([*command, "150"], capture_output=True)
    assert killed.returncode == -9
    done = subprocess.run([*command, "0"], capture_output=True, check=True)
    assert int(done.stdout) == 200


def test_an_interrupted_check_is_saved(caches, photos, decoded):
    def interrupted(results, total, label):
        for _ in range(5):
            yield next(results)
        raise KeyboardInterrupt

    from byol_keras.data.folder import find_images

    names = find_images(photos)
    with pytest.raises(KeyboardInterrupt):
        validate.check_each(
            names.prefixed(f"{photos}/"), names, "", memory_budget=0, shown=interrupted, cache=CheckCache(photos)
        )
    decoded.clear()
    from_folder(photos, memory_budget=0)
    assert len({*decoded}) == 27 - 5


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_cache_is_said_and_made_anew(caches, photos, decoded, damage, capsys):
    before = from_folder(photos)
    (path,) = caches.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"cut": content[:-9], "flipped": content, "empty": b"", "other": os.urandom(len(content))}[damage])
    decoded.clear()
    capsys.readouterr()
    assert facts(from_folder(photos)) == facts(before)
    assert len({*decoded}) == 27
    first, *_ = capsys.readouterr().err.splitlines()
    assert first == f"{path} is damaged: every image in {photos} is checked again."
    decoded.clear()
    from_folder(photos)
    assert decoded == []


def test_every_flipped_bit_is_seen(caches, photos, capsys):
    from_folder(photos)
    (path,) = caches.iterdir()
    content = path.read_bytes()
    for place in range(0, len(content), 37):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert len(CheckCache(photos)._load()[0]) == 0
    path.write_bytes(content)
    assert len(CheckCache(photos)._load()[0]) == 27


def test_a_cache_of_another_folder_or_version_is_not_used(caches, photos, tmp_path, decoded, monkeypatch, capsys):
    from_folder(photos)
    (path,) = caches.iterdir()
    shutil.copytree(photos, tmp_path / "copy")
    shutil.copy(path, CheckCache(tmp_path / "copy").file.path)
    decoded.clear()
    from_folder(tmp_path / "copy")
    assert len({*decoded}) == 27
    assert "is of another folder, or was made by another version" in capsys.readouterr().err
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10**7)
    decoded.clear()
    from_folder(photos)
    assert len({*decoded}) == 27


def test_where_none_can_be_written_it_is_said_once(caches, photos, tmp_path, decoded, capsys):
    (tmp_path / "caches").write_text("a file where the folder would be")
    for _ in range(2):
        decoded.clear()
        assert len(from_folder(photos)) == 26
        assert len({*decoded}) == 27
    assert capsys.readouterr().err.count("is not saved, and found out again next time: Cannot write") == 1


def test_too_many_broken_ones_are_an_error_each_time(caches, tmp_path):
    save(tmp_path / "photos/0.png")
    for i in range(3):
        (tmp_path / f"photos/bad{i}.png").write_bytes(b"x")
        age(tmp_path / f"photos/bad{i}.png")
    for _ in range(2):
        with pytest.raises(InputError, match=r"3 of 4 images cannot be decoded: bad0.png \(not a readable"):
            from_folder(tmp_path / "photos")


@pytest.mark.parametrize(
    ("given", "place"), [("/x", "/x"), ("x", "/home/nobody/.cache"), (None, "/home/nobody/.cache")]
)
def test_where_caches_lie(given, place, monkeypatch):
    monkeypatch.setenv("HOME", "/home/nobody")
    monkeypatch.delenv("XDG_CACHE_HOME")
    if given is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert str(cache_folder("checks")) == f"{place}/byol_keras/checks"


def test_a_long_check_is_saved_now_and_then(monkeypatch, photos):
    clock = [100.0]
    monkeypatch.setattr(check_cache.time, "monotonic", lambda: clock[0])
    cache = CheckCache(photos)
    assert not cache.is_due()
    clock[0] += check_cache.SECONDS
    assert cache.is_due()

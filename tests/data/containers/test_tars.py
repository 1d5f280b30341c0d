"""Images in tar archives, as WebDataset writes them."""

import io
import os
import tarfile
import threading

import numpy as np
import pytest
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import open_source, two_view_batches, validate
from byol_keras.data.containers import file_slices
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.errors import InputError


def encoded(i, size=None, kind="JPEG"):
    """Noise of sizes of its own."""
    size = size or (20 + i % 7, 30 - i % 5)
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (*size, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def member(name, content=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def write(path, members, format=tarfile.GNU_FORMAT, mode="w"):
    """A tar of (TarInfo, content) or (name, content)."""
    with tarfile.open(path, mode, format=format) as archive:
        for info, content in members:
            info, content = member(info, content) if isinstance(info, str) else (info, content)
            archive.addfile(info, io.BytesIO(content))
    os.utime(path, (1e9, 1e9))  # so that its check is saved
    return path


@pytest.fixture(scope="module")
def images():
    """40 encoded images by name; every second a PNG."""
    return {f"{i:02}.{'png' if i % 2 else 'jpg'}": encoded(i, kind="PNG" if i % 2 else "JPEG") for i in range(40)}


@pytest.fixture(scope="module")
def folder(images, tmp_path_factory):
    path = tmp_path_factory.mktemp("folder")
    for name, content in images.items():
        (path / name).write_bytes(content)
    return path


@pytest.fixture(scope="module")
def shards(images, tmp_path_factory):
    """The same in three archives, each image followed by its label."""
    path, names = tmp_path_factory.mktemp("shards"), list(images)
    for k, part in enumerate((names[:15], names[15:30], names[30:])):
        members = [pair for name in part for pair in ((name, images[name]), (f"{name[:2]}.cls", b"%d" % (k + 2)))]
        write(path / f"{k}.tar", members)
    return path


def broken(source):
    return dict(source.broken)


def opened(path):
    """The source, or None and what is said."""
    try:
        return open_source(path, memory_budget=0), ""
    except InputError as error:
        return None, str(error)


def test_bytes_are_those_of_the_files(images, shards, capsys):
    source = open_source(shards, memory_budget=0)
    assert list(source.names) == [f"{0 if i < 15 else 1 if i < 30 else 2}.tar/{name}" for i, name in enumerate(images)]
    assert list(source.encoded) == list(images.values())
    assert source.encoded.take([39, 0, 39]) == [[*images.values()][i] for i in (39, 0, 39)]
    assert source.labels.tolist() == [2] * 15 + [3] * 15 + [4] * 10
    assert (source.class_names, source.paths, source.broken) == (None, None, ())
    assert list(open_source(shards / "1.tar").encoded) == [*images.values()][15:30]
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_training_and_embedding_are_those_of_a_folder(folder, shards):
    sources = open_source(folder), open_source(shards)
    views = [two_view_batches(source, TwoViews(16), batch_size=20, total_steps=3, seed=5) for source in sources]
    for of_folder, of_shards in zip(*views, strict=True):
        np.testing.assert_array_equal(of_folder, of_shards)
    for of_folder, of_shards in zip(*(ordered_batches(source, 16, 25) for source in sources), strict=True):
        np.testing.assert_array_equal(of_folder, of_shards)


def test_images_of_one_size_are_held(tmp_path):
    contents = [encoded(i, (8, 9), "PNG") for i in range(5)]
    write(tmp_path / "a.tar", [(f"{i}.png", content) for i, content in enumerate(contents)])
    source = open_source(tmp_path / "a.tar")
    assert source.encoded is None
    pixels = [np.asarray(Image.open(io.BytesIO(content))) for content in contents]
    np.testing.assert_array_equal(source.images, pixels)


def test_threads_share_few_open_files(images, tmp_path, monkeypatch):
    monkeypatch.setattr(file_slices, "OPEN_FILES", 2)
    for name, content in images.items():
        write(tmp_path / f"{name[:2]}.tar", [(name, content)])
    before = len(os.listdir("/proc/self/fd"))
    source, wrong = open_source(tmp_path, memory_budget=0), []

    def read(seed):
        for index in np.random.default_rng(seed).integers(0, 40, 300):
            if source.encoded[index] != [*images.values()][index]:
                wrong.append(index)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_checked_once(shards, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = open_source(shards)
    monkeypatch.setattr(validate, "check", None)
    again = open_source(shards)
    assert again.sizes.tolist() == before.sizes.tolist()
    os.utime(shards / "1.tar", (2e9 - 1e9 + 1, 1e9 + 1))
    with pytest.raises(TypeError):
        open_source(shards)


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_names_keys_and_labels(tmp_path, format):
    image = encoded(0)
    long = "long/" * 20 + "name.jpg"
    members = [
        ("./a/1.jpg", image),
        ("a/1.JSON", b'{"label": 7, "text": "x"}'),
        ("a/2.left.jpg", image),
        ("a/2.right.jpg", image),
        ("a/2.cls", b"3\n"),
        ("a/2.json", b'{"label": 9}'),
        ("a/2.txt", b"a text"),
        ("a/._1.jpg", b"what a Mac leaves"),
        (".hidden/1.jpg", image),
        (member("a/folder.jpg", type=tarfile.DIRTYPE)),
        (long, image),
        (long[:-4] + ".cls", b"1"),
    ]
    source = open_source(write(tmp_path / "x.tar", members, format))
    assert list(source.names) == [f"x.tar/{name}" for name in ("a/1.jpg", "a/2.left.jpg", "a/2.right.jpg", long)]
    assert source.labels.tolist() == [7, 3, 3, 1]
    assert source.broken == ()


def test_of_two_members_of_one_name_the_last_counts(tmp_path):
    write(tmp_path / "a.tar", [("0.jpg", encoded(0)), ("1.jpg", encoded(1)), ("0.jpg", encoded(2))])
    source = open_source(tmp_path / "a.tar")
    assert list(source.names) == ["a.tar/1.jpg", "a.tar/0.jpg"]
    assert list(source.encoded) == [encoded(1), encoded(2)]


@pytest.mark.parametrize("label", [b"cat", b"-1", b"", b"1.5", b"99999999999", b"9" * 5000])
def test_what_is_no_label(tmp_path, label, capsys):
    write(tmp_path / "a.tar", [("0.jpg", encoded(0)), ("0.cls", label), ("1.jpg", encoded(1)), ("1.cls", b"1")])
    assert open_source(tmp_path / "a.tar").labels is None
    assert "1 of 2 images have no label, so no label is used" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"label": true}', b'{"label": "1"}', b"[]", b"{", b"\xff"])
def test_json_that_holds_no_label(tmp_path, content):
    write(tmp_path / "a.tar", [("0.jpg", encoded(0)), ("0.json", content)])
    assert open_source(tmp_path / "a.tar").labels is None


def test_hostile_members_do_no_harm(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(encoded(9))
    folder = tmp_path / "tars"
    folder.mkdir()
    members = [(f"{i}.jpg", encoded(i)) for i in range(30)] + [
        member("link.jpg", type=tarfile.SYMTYPE, linkname=str(tmp_path / "secret.jpg")),
        member("hard.jpg", type=tarfile.LNKTYPE, linkname="0.jpg"),
        member("zero.jpg", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        member("fifo.jpg", type=tarfile.FIFOTYPE),
        ("../out.jpg", encoded(1)),
        ("/abs/olute.jpg", encoded(2)),
        ("bad\x1b[31m.jpg", b"no image"),
    ]
    source = open_source(write(folder / "a.tar", members))
    assert len(source) == 31
    assert source.names[30] == "a.tar/abs/olute.jpg"
    assert broken(source) == {
        "a.tar/link.jpg": "a link, not a file",
        "a.tar/hard.jpg": "a link, not a file",
        "a.tar/zero.jpg": "a device, not a file",
        "a.tar/fifo.jpg": "a device, not a file",
        "a.tar/../out.jpg": "a name that leads out of the archive",
        "a.tar/bad\x1b[31m.jpg": "not a readable JPEG, PNG, WebP, BMP or GIF file",
    }
    assert [*tmp_path.rglob("*.jpg")] == [tmp_path / "secret.jpg"]


def test_a_size_that_is_claimed_is_not_taken(tmp_path):
    path = write(tmp_path / "a.tar", [("0.jpg", encoded(0))])
    content = path.read_bytes().rstrip(b"\0")
    content += bytes(-len(content) % 512)
    huge = member("huge.jpg", size=2**40)[0].tobuf(tarfile.GNU_FORMAT)
    path.write_bytes(content + huge)
    assert broken(open_source(path)) == {"a.tar": "cut off in huge.jpg; the 1 image before that can be used"}
    # With all of that length there, as a hole in the file.
    with open(path, "r+b") as file:
        file.truncate(len(content + huge) + 2**40 + 1024)
    (name, reason) = open_source(path).broken[0]
    assert (name, reason[:20]) == ("a.tar/huge.jpg", "1,099,511,627,776 by")
    # And a header that claims it for a name.
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        head = member("h", size=2**40, type=kind)[0].tobuf(tarfile.GNU_FORMAT)
        with open(path, "r+b") as file:
            file.seek(len(content))
            file.write(head)
        assert "damaged: a header that claims 1,099,511,627,776 bytes" in broken(open_source(path))["a.tar"]


def test_a_tar_that_leads_back_ends(tmp_path):
    path = write(tmp_path / "a.tar", [("0.jpg", encoded(0))])
    content = path.read_bytes().rstrip(b"\0")
    content += bytes(-len(content) % 512)
    for size in (-512, -1024, -(2**40)):
        back = member("back.jpg", size=size)[0].tobuf(tarfile.GNU_FORMAT)
        path.write_bytes(content + back + bytes(1024))
        assert "damaged" in broken(open_source(path))["a.tar"]


def test_many_headers_for_one_member(tmp_path):
    path = write(tmp_path / "a.tar", [("0.jpg", encoded(0))])
    content = path.read_bytes().rstrip(b"\0")
    content += bytes(-len(content) % 512)
    nested = member("h", size=0, type=tarfile.XHDTYPE)[0].tobuf(tarfile.GNU_FORMAT) * 5000
    path.write_bytes(content + nested + bytes(1024))
    assert list(broken(open_source(path))) == ["a.tar"]


def test_wherever_it_is_cut_off_what_is_whole_is_used(images, tmp_path):
    contents = [*images.values()][:6]
    whole = write(tmp_path / "whole", [(f"{i}.jpg", content) for i, content in enumerate(contents)]).read_bytes()
    path, counts, end = tmp_path / "a.tar", [], -(-len(whole.rstrip(b"\0")) // 512) * 512
    for length in [*range(0, end, 97), end, end + 511, end + 512]:
        path.write_bytes(whole[:length])
        source, error = opened(path)
        if source is None:
            assert "No images in" in error
            counts.append(0)
            continue
        assert list(source.encoded) == contents[: len(source)]
        counts.append(len(source))
        assert list(broken(source)) == ["a.tar"] * (length < end + 512)
    assert (counts[0], counts[-1]) == (0, 6)
    assert counts == sorted(counts)


def test_any_damaged_byte_is_an_image_or_a_reason(images, tmp_path):
    contents = [*images.values()][:4]
    whole = write(tmp_path / "whole", [(f"{i}.jpg", content) for i, content in enumerate(contents)]).read_bytes()
    path, rng = tmp_path / "a.tar", np.random.default_rng(0)
    for place in [*range(0, 512, 3), *rng.integers(0, len(whole), 100)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        source, error = opened(path)
        assert "\n" not in error
        assert source is None or all(isinstance(content, bytes) for content in source.encoded)


def test_what_is_no_whole_tar_among_others(tmp_path, images):
    for i in range(20):
        write(tmp_path / f"{i:02}.tar", [("0.jpg", encoded(i))])
    (tmp_path / "03.tar").write_bytes(b"no tar" * 1000)
    source = open_source(tmp_path)
    assert len(source) == 19
    assert list(broken(source)) == ["03.tar"]
    for i in (4, 5):
        (tmp_path / f"{i:02}.tar").write_bytes(b"")
    with pytest.raises(InputError, match=r"3 of 20 files are not whole: 03.tar \(not a tar .*04.tar \(the fi"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("ending", "mode"), [("tar.gz", "w:gz"), ("tgz", "w:gz"), ("tar.xz", "w:xz"), ("tar", "w:bz2")]
)
def test_compressed_is_refused(tmp_path, ending, mode):
    path = write(tmp_path / f"a.{ending}", [("0.jpg", encoded(0))], mode=mode)
    for data in (path, tmp_path):
        with pytest.raises(InputError, match="compressed, so that no image can be read by itself") as error:
            open_source(data)
        assert "\n" not in str(error.value)


def test_a_tar_without_images(tmp_path):
    write(tmp_path / "a.tar", [("0.txt", b"text")])
    with pytest.raises(InputError, match=r"^No images in .*a.tar$"):
        open_source(tmp_path / "a.tar")


def test_a_folder_of_images_stays_one(folder, tmp_path, capsys):
    (tmp_path / "train/a").mkdir(parents=True)
    (tmp_path / "train/a/0.jpg").write_bytes(encoded(0))
    write(tmp_path / "train.tar", [("1.jpg", encoded(1))])
    assert list(open_source(tmp_path).names) == ["train/a/0.jpg"]
    assert "not read, because there are image files as well: train.tar" in capsys.readouterr().err


def test_splits_are_not_mixed(tmp_path):
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        write(tmp_path / f"{name}.tar", [("1.jpg", encoded(1))])
    with pytest.raises(InputError, match="parts of 2 data sets or splits: test, train"):
        open_source(tmp_path)
    (tmp_path / "test-00000-of-00001.tar").unlink()
    assert len(open_source(tmp_path)) == 2


def test_an_archive_that_has_changed_or_gone_is_said(images, tmp_path):
    path = write(tmp_path / "a.tar", [("0.jpg", encoded(0))])
    source = open_source(path, memory_budget=0)
    source.encoded._images._open.clear()  # which would go on reading what it has open
    path.write_bytes(path.read_bytes() + bytes(512))
    with pytest.raises(InputError, match="has been changed since it was opened"):
        source.encoded[0]
    path.unlink()
    with pytest.raises(FileNotFoundError):
        source.encoded[0]


def test_names_with_a_dot_as_a_step_are_plain_ones(tmp_path):
    members = [("photos/./0.png", encoded(0, kind="PNG")), ("./photos//1.png", encoded(1, kind="PNG"))]
    write(tmp_path / "dot.tar", [*members, ("photos/.hidden/2.png", encoded(2, kind="PNG"))])
    assert open_source(tmp_path / "dot.tar").names == ["dot.tar/photos/0.png", "dot.tar/photos/1.png"]


def test_an_archive_behind_another_is_said_not_to_be_read(tmp_path, capfd):
    for i in range(2):
        write(tmp_path / f"{i}.part", [(f"{i}.png", encoded(i, kind="PNG"))])
    (tmp_path / "both.tar").write_bytes(b"".join((tmp_path / f"{i}.part").read_bytes() for i in range(2)))
    source = open_source(tmp_path / "both.tar")
    assert source.names == ["both.tar/0.png"]
    assert "is not read" in capfd.readouterr().err

import pytest
from PIL import Image

from byol_keras.cli.main import main
from byol_keras.data import open_source
from byol_keras.data.split import ordered_split
from byol_keras.errors import InputError

from ..sounds import write_tones


def test_each_class_is_cut_once_in_the_order_of_its_numbers():
    names = [f"car/frame{i}.png" for i in (10, 9, 1, 11, 2)] + [f"sky/{i:03d}/x.png" for i in range(10)]
    train, test = ordered_split(names, 0.4)
    assert train == ["car/frame1.png", "car/frame2.png", "car/frame9.png", *(f"sky/{i:03d}/x.png" for i in range(6))]
    assert test == ["car/frame10.png", "car/frame11.png", *(f"sky/{i:03d}/x.png" for i in range(6, 10))]


def test_images_without_classes_are_cut_together():
    assert ordered_split(["b.png", "a.png", "2.png"], 0.01) == (["2.png", "a.png"], ["b.png"])


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_out_of_range(share):
    with pytest.raises(InputError, match="above 0 and below 1"):
        ordered_split(["a", "b"], share)


def test_a_class_too_small_to_cut():
    with pytest.raises(InputError, match="sky has 1 images"):
        ordered_split(["car/1", "car/2", "sky/1"], 0.5)


@pytest.fixture
def drive(tmp_path):
    for label, level in (("car", 0), ("sky", 100)):
        (tmp_path / "drive" / label).mkdir(parents=True)
        for i in range(12):
            Image.new("RGB", (4, 4), (level + i,) * 3).save(tmp_path / "drive" / label / f"{i}.png")
    return tmp_path / "drive"


def test_the_command_makes_two_sources(drive, tmp_path, capfd):
    out = tmp_path / "cut"
    assert main(["split", "--data", str(drive), "--out", str(out), "--test-share", "0.25"]) == 0
    train, test = open_source(out / "train"), open_source(out / "test")
    assert sorted(train.images[:, 0, 0, 0].tolist()) == [*range(9), *range(100, 109)]
    assert sorted(test.images[:, 0, 0, 0].tolist()) == [9, 10, 11, 109, 110, 111]
    assert train.class_names == test.class_names == ("car", "sky")
    capfd.readouterr()
    assert main(["split", "--data", str(drive), "--out", str(out)]) == 2
    assert "there already" in capfd.readouterr().err
    assert main(["split", "--data", str(drive / "car"), "--out", str(tmp_path / "two"), "--test-share", "2"]) == 2
    assert main(["split", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "two")]) == 2
    (tmp_path / "empty").mkdir()
    assert main(["split", "--data", str(tmp_path / "empty"), "--out", str(tmp_path / "two")]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"drive", "cut", "empty"}


def test_a_tilde_is_the_home(drive, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["split", "--data", "~/drive", "--out", str(tmp_path / "cut")]) == 0
    assert (tmp_path / "cut/train/car/0.png").resolve() == drive / "car/0.png"


def test_recordings_are_split_too(tmp_path):
    write_tones(tmp_path / "tones", 4, seed=0)
    assert main(["split", "--data", str(tmp_path / "tones"), "--out", str(tmp_path / "two")]) == 0
    train, test = (open_source(tmp_path / "two" / part) for part in ("train", "test"))
    assert (len(train), len(test)) == (9, 3)
    assert train.sample_rate == 8000

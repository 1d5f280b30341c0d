"""Images that are deleted, damaged or replaced after their source was opened."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import from_arrays, open_source
from byol_keras.data.grids import view_grid
from byol_keras.data.lost_files import lost_files, naming_lost_files, read_what_is_left
from byol_keras.errors import InputError
from byol_keras.evaluation import embed
from byol_keras.evaluation.linear import linear_predictions_sgd
from byol_keras.export.source_images import sample_images
from byol_keras.tasks.classification.model import build_classifier, predict_probabilities
from byol_keras.tasks.classification.train import FinetuneConfig, finetune_classifier


@pytest.fixture
def photos(tmp_path):
    """Six images of sizes of their own, every second a JPEG."""
    for i in range(6):
        Image.effect_noise((30 + i, 30), 50).convert("RGB").save(tmp_path / f"{i}.{'jpg' if i % 2 else 'png'}")
    return open_source(tmp_path)


def lose(path):
    path.unlink()


def damage(path):
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("harm", [lose, damage])
def test_a_file_lost_after_the_check_is_named(harm, suffix, tiny_encoder, tmp_path):
    for i in range(6):
        Image.effect_noise((30 + i, 30), 50).convert("RGB").save(tmp_path / f"{i}.{suffix}")
    source = open_source(tmp_path)
    harm(tmp_path / f"3.{suffix}")
    with pytest.raises(
        InputError, match=rf"^1 of 6 images can no longer be read: 3\.{suffix} \(.*They could when"
    ) as error:
        embed(tiny_encoder(), source)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="can no longer be read"):
        view_grid(source, TwoViews(16))


FINETUNING = FinetuneConfig(updates=2, learning_rate=0.1, batch_size=4)
READERS = {
    "fine-tuning": lambda encoder, source: finetune_classifier(encoder, source, 2, FINETUNING),
    "classifying": lambda encoder, source: predict_probabilities(build_classifier(encoder, 2), source),
    "linear probe": lambda encoder, source: linear_predictions_sgd(encoder, source, source, epochs=2),
    "export": lambda encoder, source: sample_images(source, 8, 6),
}


@pytest.mark.parametrize("reader", READERS)
def test_whoever_reads_images_names_what_is_lost(reader, photos, tiny_encoder, tmp_path):
    source = replace(photos, labels=np.array([0, 1] * 3))
    lose(tmp_path / "3.jpg")
    with pytest.raises(InputError, match=r"^1 of 6 images can no longer be read: 3\.jpg"):
        READERS[reader](tiny_encoder(), source)


def test_an_error_that_is_no_files_stays_what_it_is(tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "0.png")
    with pytest.raises(tf.errors.InvalidArgumentError, match="a bug"), naming_lost_files(open_source(tmp_path)):
        tf.debugging.Assert(False, ["a bug"])


def test_what_has_happened_to_each_file_is_said(photos, tmp_path):
    (tmp_path / "0.png").unlink()
    (tmp_path / "1.jpg").unlink()
    (tmp_path / "1.jpg").mkdir()
    damage(tmp_path / "2.png")
    Image.new("RGB", (9, 8)).save(tmp_path / "3.jpg")
    Image.new("RGB", (34, 30)).save(tmp_path / "4.png", format="JPEG")
    assert lost_files(photos) == {0: "No such file or directory", 1: "no longer a file"}
    found = lost_files(photos, range(6))
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert "truncated" in found[2]
    assert found[3] == "8 x 9 pixels now, and 30 x 33 before"
    assert found[4] == "of another format than before"
    # An image that has taken the places of others is lost at all of them.
    assert sorted(lost_files(photos.subset([5, 2, 2, 5]), [1])) == [1, 2]
    assert lost_files(from_arrays(np.zeros((3, 8, 8, 3), np.uint8)), range(3)) == {}


def names(source):
    """Reads the images, and says which."""
    with naming_lost_files(source):
        view_grid(source, TwoViews(16))
    return source.names


def test_what_is_left_is_read_and_the_lost_are_named_once(photos, tmp_path, capfd):
    damage(tmp_path / "2.png")
    (tmp_path / "3.jpg").unlink()
    kept, rest = read_what_is_left(photos, names)
    assert kept == rest.names == ("0.png", "1.jpg", "4.png", "5.jpg")
    said = capfd.readouterr().err
    assert said.count("are passed over: 2.png (") == 1
    assert "3.jpg (No such file or directory)" in said
    assert read_what_is_left(rest, names) == (kept, rest)
    assert "passed over" not in capfd.readouterr().err


def test_nothing_is_read_where_nothing_is_left(photos, tmp_path):
    for path in tmp_path.iterdir():
        path.unlink()
    assert read_what_is_left(photos, names) == (None, photos)


def test_a_mistake_that_is_no_files_is_raised(photos):
    def mistaken(source):
        raise InputError("of another kind")

    with pytest.raises(InputError, match="of another kind"):
        read_what_is_left(photos, mistaken)

"""Embeddings that are computed once."""

import keras
import numpy as np
import pytest
from PIL import Image

from byol_keras.errors import InputError
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.run import Run
from byol_keras.workflows import label_embeddings
from byol_keras.workflows.label import open_labeling
from byol_keras.workflows.label_embeddings import folder_embeddings


@pytest.fixture
def run(tmp_path, tiny_encoder):
    keras.utils.set_random_seed(0)
    run = Run(tmp_path / "run", recipe_named("short"), "photos", 0, 3, [0.5] * 3, [0.2] * 3)
    run.write_config()
    tiny_encoder().save(run.encoder_path)
    return run


@pytest.fixture
def count(monkeypatch):
    """How often images were embedded."""
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return embed(*arguments)

    embed = label_embeddings.embed
    monkeypatch.setattr(label_embeddings, "embed", counted)
    return lambda: len(calls)


def test_embeddings_are_computed_once_and_again_after_a_change(run, colored, count, tiny_encoder, tmp_path):
    folder, names, *_ = colored
    found, embeddings = folder_embeddings(run, folder)
    assert set(found) == set(names)
    assert embeddings.shape == (60, 4)
    again, same = folder_embeddings(run, str(folder) + "/.")
    assert (again, count()) == (found, 1)
    np.testing.assert_array_equal(same, embeddings)

    Image.new("RGB", (40, 30), (1, 2, 3)).save(folder / names[0])
    _, changed = folder_embeddings(run, folder)
    assert count() == 2
    assert (np.abs(changed - embeddings).max(axis=1) > 0).sum() == 1
    (folder / names[1]).unlink()
    assert len(folder_embeddings(run, folder)[0]) == 59
    keras.utils.set_random_seed(1)
    tiny_encoder().save(run.encoder_path)
    assert np.abs(folder_embeddings(run, folder)[1][0] - changed[0]).max() > 0
    assert count() == 4
    assert len(list((run.folder / "embeddings").iterdir())) == 1


def test_two_folders_of_one_name_do_not_share_a_file(run, colored, count, tmp_path):
    folder = tmp_path / "other" / "colored"
    folder.mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(folder / "a.png")
    for _ in range(2):
        assert len(folder_embeddings(run, colored[0])[0]) == 60
        assert folder_embeddings(run, folder)[0] == ("a.png",)
    assert count() == 2


def test_a_damaged_file_is_said_and_computed_again(run, colored, count, capfd):
    folder_embeddings(run, colored[0])
    (path,) = (run.folder / "embeddings").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert folder_embeddings(run, colored[0])[1].shape == (60, 4)
    assert "embedding again" in capfd.readouterr().err
    assert count() == 2


def test_images_that_cannot_be_decoded_are_left_out(run, colored, capfd):
    (colored[0] / "cut.jpg").write_bytes(b"\xff\xd8\xff cut short")
    names, embeddings = folder_embeddings(run, colored[0])
    assert (len(names), len(embeddings)) == (60, 60)
    assert "cut.jpg" in capfd.readouterr().err


def test_bad_input(run, colored, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="No images in"):
        folder_embeddings(run, tmp_path / "empty")
    with pytest.raises(InputError, match="No such folder"):
        folder_embeddings(run, tmp_path / "missing")
    run.encoder_path.unlink()
    with pytest.raises(InputError, match="training has not finished"):
        open_labeling(run.folder, colored[0], tmp_path / "labels.csv")

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.errors import InputError
from byol_keras.models.fingerprint import fingerprint
from byol_keras.workflows.embed import embed_source


@pytest.fixture
def known(make_run, sources, tmp_path):
    """A run, and what `byol-keras embed` writes with its encoder, as it is read back."""
    run = make_run()
    embed_source(run.folder, str(sources[0]), tmp_path / "known.npz")
    with np.load(tmp_path / "known.npz") as arrays:
        return run, dict(arrays)


def fitted(arrays, **encoder):
    head = bk.export.LinearHead.fit(arrays["embeddings"], arrays["labels"], arrays["class_names"], **encoder)
    return head, bk.export.NeighborIndex(arrays["names"], arrays["embeddings"], *encoder.values())


def test_embeddings_say_which_encoder_made_them(known):
    run, arrays = known
    assert str(arrays["encoder"]) == fingerprint(keras.models.load_model(run.encoder_path))


def test_with_another_encoder_they_are_refused_in_one_line(known, make_run, tmp_path):
    run, arrays = known
    other = make_run(encoder_seed=6, name="other").encoder
    head, index = fitted(arrays, encoder=arrays["encoder"])
    head.save(tmp_path / "head.npz")
    assert bk.export.LinearHead.load(tmp_path / "head.npz").encoder == fingerprint(run.encoder)
    named = f"of encoder {fingerprint(run.encoder)[:12]}, this is {fingerprint(other)[:12]}"
    for argument in ({"head": bk.export.LinearHead.load(tmp_path / "head.npz")}, {"index": index}):
        with pytest.raises(InputError, match=named) as error:
            bk.export.saved_model(other, tmp_path / "encoder" / "1", **argument)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=named):
        bk.export.tflite(other, tmp_path / "a.tflite", head=head)
    assert not (tmp_path / "encoder").exists()
    assert not (tmp_path / "a.tflite").exists()


def test_of_before_fingerprints_they_are_taken_with_a_warning(known, tmp_path, capfd):
    run, arrays = known
    head, index = fitted(arrays)
    capfd.readouterr()
    bk.export.saved_model(run.encoder, tmp_path / "encoder" / "1", head=head, index=index)
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("export: ")]
    assert said == [
        f"export: the {part} does not say which encoder its embeddings are of: only their width is compared."
        for part in ("head", "index")
    ]

"""Files that would run code, or hold what is no model: none does anything, each is refused in one line."""

import json
import pickle
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.models.model_file import check_finite, read_model


def refusal(path):
    """The InputError of a file, or "" where it loads."""
    try:
        bk.load_encoder(path)
    except bk.InputError as error:
        return str(error)
    return ""


class Marker:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


@pytest.fixture
def saved(tmp_path, tiny_encoder):
    path = tmp_path / "encoder.keras"
    tiny_encoder().save(path)
    return path


def rewrite(path, change=None, **entries):
    """Writes a .keras file anew, its config changed, with more entries in the archive."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    if change is not None:
        config = json.loads(contents["config.json"])
        contents["config.json"] = json.dumps(change(config) or config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**contents, **entries}.items():
            archive.writestr(name, data)


def layer_config(config, class_name):
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == class_name)


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def activation(module, name):
    def change(config):
        layer = layer_config(config, "ReLU")
        inner = {"name": "act", "activation": function(module, name)}
        layer.update(class_name="Activation", module="keras.layers", registered_name=None, config=inner)

    return change


def layer(package, class_name, registered_name=None, **arguments):
    def change(config):
        layer_config(config, "ReLU").update(
            module=package, class_name=class_name, registered_name=registered_name, config=arguments
        )

    return change


def allow_then_run(config):
    """First what would switch the safety off, then code."""
    activation("keras.config", "enable_unsafe_deserialization")(config)


ATTACKS = {
    "a class of the system": layer("os", "system", command="touch PWNED"),
    "a class of a module beside the file": layer("evil", "Evil"),
    "a registered name that is none": layer("builtins", "exec", "builtins>exec", source="open('PWNED', 'w')"),
    "a function of the system": activation("os", "system"),
    "a function of Python": activation("builtins", "exec"),
    "a function of Keras that loads": activation("keras.src.utils.file_utils", "get_file"),
    "a function of Keras that allows": allow_then_run,
    "a function of ours": activation("byol_keras.utils.atomic", "write_files"),
    "a layer that runs a SavedModel": layer("keras.layers", "TFSMLayer", filepath="elsewhere", call_endpoint="serve"),
    "a layer that unpickles": layer("keras.layers", "TorchModuleWrapper", module="gASVCg=="),
    "a list": lambda config: [1],
    "a number": lambda config: 5,
    "a class that is a number": lambda config: {**config, "class_name": 5},
    "a config that is a text": lambda config: {**config, "config": "text"},
    "layers that are none": lambda config: {**config, "config": {**config["config"], "layers": [None, 5, {}]}},
    "an optimizer": lambda config: keras.saving.serialize_keras_object(keras.optimizers.Adam()),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_a_config_names_is_not_run(name, saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil.py").write_text("open('PWNED', 'w')\n")
    rewrite(saved, ATTACKS[name])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(bk.InputError, match=r"encoder\.keras (is not a Keras model|holds Python code)") as said:
        bk.load_encoder(saved)
    assert "\n" not in str(said.value)
    assert sorted(tmp_path.rglob("*")) == before


def touching(marker):
    """A model with a Lambda that makes a file when it is called."""
    code = f"lambda x: (open({str(marker)!r}, 'w'), x)[1]"
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.GlobalAveragePooling2D()(keras.layers.Lambda(eval(code), output_shape=(8, 8, 3))(inputs))
    return keras.Model(inputs, outputs)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("name", ["model.keras", "model.h5", "h5.keras"])
def test_a_lambda_is_not_run(name, tmp_path):
    marker, path = tmp_path / "marker", tmp_path / name
    if name == "h5.keras":
        touching(marker).save(tmp_path / "other.h5")
        (tmp_path / "other.h5").rename(path)
    else:
        touching(marker).save(path)
    marker.unlink(missing_ok=True)
    said = {
        "model.keras": "holds Python code",
        "model.h5": "does not end in .keras",
        "h5.keras": "is not a Keras model",
    }
    assert said[name] in refusal(path)
    assert not marker.exists()


def test_nothing_is_unpickled(saved, tmp_path):
    payload = pickle.dumps(Marker(tmp_path / "marker"))
    path = tmp_path / "copy.keras"
    for name in ("model.weights.h5", "assets/vocabulary.npy", "metadata.json", "config.json"):
        shutil.copy(saved, path)
        rewrite(path, **{name: payload})
        # The other two are not looked at: an encoder has no assets.
        assert ("is not a Keras model" in refusal(path)) == (name in ("model.weights.h5", "config.json"))
    (tmp_path / "pickle.keras").write_bytes(payload)
    with pytest.raises(bk.InputError, match="is not a Keras model"):
        bk.load_encoder(tmp_path / "pickle.keras")
    assert not (tmp_path / "marker").exists()


def test_entries_of_the_archive_do_not_leave_it(saved, tmp_path):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    path = saved.rename(folder / "encoder.keras")
    entries = ("../up.txt", "../../upper.txt", str(tmp_path / "absolute.txt"), "assets/../../../sideways.txt")
    rewrite(path, **dict.fromkeys(entries, b"text"))
    before = sorted(tmp_path.rglob("*"))
    refusal(path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04", b"\x00" * 1000, b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_other_files_are_no_models(data, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(data)
    with pytest.raises(bk.InputError, match=r"model\.keras is not a Keras model that can be loaded: .") as said:
        read_model(path)
    assert "\n" not in str(said.value)


def test_damage_anywhere_is_one_line_or_none(saved):
    whole = saved.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        start = generator.integers(len(whole))
        damaged[start : start + 16] = generator.bytes(16)
        if generator.random() < 0.3:
            del damaged[start:]
        saved.write_bytes(damaged)
        said = refusal(saved)
        assert "\n" not in said
        assert said == "" or "encoder.keras" in said


def test_models_that_are_no_encoders(tmp_path):
    inputs = keras.Input((8,))
    keras.Model(inputs, keras.layers.Dense(3)(inputs)).save(tmp_path / "table.keras")
    pair = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    keras.Model(pair, keras.layers.Add()(pair)).save(tmp_path / "pair.keras")
    images = keras.Input((8, 8, 3))
    keras.Model(images, keras.layers.Conv2D(3, 3)(images)).save(tmp_path / "map.keras")
    for name in ("table", "pair", "map"):
        with pytest.raises(bk.InputError, match=rf"{name}\.keras is not an encoder") as said:
            bk.load_encoder(tmp_path / f"{name}.keras")
        assert "\n" not in str(said.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_with_their_number(value, saved, tiny_encoder, make_run):
    encoder = tiny_encoder()
    check_finite(encoder, "encoder.keras")
    weights = encoder.get_weights()
    weights[0].flat[3] = value
    weights[-1].flat[0] = value
    encoder.set_weights(weights)
    encoder.save(saved)
    said = rf"encoder\.keras has NaN or infinity in 2 of its {len(weights)} variables: training has diverged"
    with pytest.raises(bk.InputError, match=said):
        bk.load_encoder(saved)
    run = make_run()
    saved.rename(run.encoder_path)
    with pytest.raises(bk.InputError, match=said):
        _ = bk.load_run(run.folder).encoder


def test_a_class_that_is_not_registered_here_is_named(saved):
    def unknown(config):
        layer = config["config"]["layers"][1]
        layer.update(class_name="Mine", module="my_layers", registered_name="mine>Mine")

    rewrite(saved, unknown)
    assert "it holds 'Mine', which is not known here. A class of your own is to be registered by" in refusal(saved)

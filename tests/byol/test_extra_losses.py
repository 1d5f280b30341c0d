"""Losses in the place of BYOL's and beside it: in a model's step, in its file, and nowhere else."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.heads import mlp
from byol_keras.objectives import CenterTerm, CriticTerm, NTXent, ReconstructionTerm, squared_distance

from .by_hand import assert_trains_alike, batches, loss_by_hand, outputs, weights_of


def identity(width):
    return keras.Sequential([keras.Input((width,)), keras.layers.Identity()])


# What each is in the arguments of BYOL, made anew for each model.
OBJECTIVES = {
    "squared distance": lambda: {"loss": squared_distance},
    "contrastive": lambda: {"loss": NTXent(0.5)},
    "center": lambda: {"extra_losses": [CenterTerm(0.1)]},
    "reconstruction": lambda: {"extra_losses": [ReconstructionTerm(1.0)]},
    "critic": lambda: {"extra_losses": [CriticTerm(0.1, hidden_dim=5)]},
    "no predictor": lambda: {"predictor": identity(3)},
    "all": lambda: {
        "loss": NTXent(0.5),
        "extra_losses": [CenterTerm(0.1), ReconstructionTerm(1.0), CriticTerm(0.1, hidden_dim=5)],
        "predictor": identity(3),
    },
}


@pytest.fixture
def with_objective(tiny_encoder):
    def make(name, **others):
        keras.utils.set_random_seed(0)
        given = {"predictor": mlp(3, 6, 3), **OBJECTIVES[name](), **others}
        return bk.BYOL(tiny_encoder(), mlp(4, 6, 3), tau=0.5, **given)

    return make


def constant(view, embedding, projection, training=None):
    """The index of the image."""
    return tf.range(tf.shape(view)[0], dtype=tf.float32)


@keras.saving.register_keras_serializable("tests")
class Product(keras.layers.Layer):
    """A weight of 3 times the embedding's sum."""

    def build(self, view_shape, embedding_shape, projection_shape):
        assert (view_shape, embedding_shape, projection_shape) == ((None, 8, 8, 3), (None, 4), (None, 3))
        self.factor = self.add_weight(initializer=keras.initializers.Constant(3.0), shape=(), regularizer="l2")
        self.moved = self.add_weight(initializer="zeros", shape=(), trainable=False)

    def call(self, view, embedding, projection, training=False):
        if training:
            self.moved.assign_add(tf.reduce_mean(embedding))
        return self.factor * tf.reduce_sum(embedding, axis=1)


class Wide(keras.layers.Layer):
    def call(self, view, embedding, projection):
        return embedding


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_model_with_it_saves_loads_and_trains_on(with_objective, view_pair, tmp_path, name):
    model = with_objective(name)
    model.compile(keras.optimizers.Adam(0.01))
    model.train_step((view_pair,))
    model.save(tmp_path / "model.keras")
    keras.utils.set_random_seed(99)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert len(loaded.extra_losses) == len(model.extra_losses)
    before = [variable.numpy() for variable in loaded.trainable_variables]
    assert_trains_alike(model, loaded, view_pair)
    for now, then in zip(loaded.trainable_variables, before, strict=True):
        # The first bias of the projector is in front of a batch norm.
        assert now.path == "projector/dense/bias" or np.abs(now - then).max() > 1e-4, now.path


def test_fit_and_evaluate_in_half_precision(with_objective, set_policy, view_pair):
    set_policy("mixed_bfloat16")
    model = with_objective("all")
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(batches(view_pair), shuffle=False, verbose=0, epochs=2).history
    assert np.isfinite(history["loss"]).all()
    assert int(model.skipped) == 0
    before = weights_of(model)
    logs = [model.evaluate(batches(view_pair), verbose=0, return_dict=True) for _ in range(2)]
    assert logs[0] == logs[1]
    for now, then in zip(weights_of(model), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_loss_is_in_the_place_of_byols(with_objective, view_pair):
    for name, loss in (("squared distance", squared_distance), ("contrastive", NTXent(0.5))):
        model = with_objective(name)
        model.compile(keras.optimizers.SGD(0.0))
        (q_1, z_1), (q_2, z_2) = (outputs(model, view, training=True) for view in view_pair)
        expected = np.mean(loss(tf.constant(q_1), tf.constant(z_2)) + loss(tf.constant(q_2), tf.constant(z_1)))
        assert float(model.train_step((view_pair,))["loss"]) == pytest.approx(expected, abs=1e-5)


def test_an_extra_loss_is_the_mean_over_images_and_views(with_objective, view_pair):
    model = with_objective("no predictor", predictor=mlp(3, 6, 3), extra_losses=[Product()])
    model.compile(keras.optimizers.SGD(0.0))
    (q_1, z_1), (q_2, z_2) = (outputs(model, view, training=True) for view in view_pair)
    embeddings = np.array([model.encoder(view, training=True) for view in view_pair])
    # With the regularizer of its weight, 0.01 * 3^2.
    expected = (loss_by_hand(q_1, z_2) + loss_by_hand(q_2, z_1)).mean() + 3 * embeddings.sum(-1).mean() + 0.09
    assert float(model.train_step((view_pair,))["loss"]) == pytest.approx(expected, abs=1e-4)


def test_its_weights_are_trained_and_the_target_has_none(with_objective, view_pair):
    model = with_objective("no predictor", extra_losses=[Product()])
    (term,) = model.extra_losses
    embeddings = np.array([model.encoder(view, training=True) for view in view_pair])
    kernel = model.encoder.layers[1].kernel.numpy()
    plain = with_objective("no predictor")
    for each in (model, plain):
        each.compile(keras.optimizers.SGD(0.1))
        each.train_step((view_pair,))
    expected = 3 - 0.1 * (embeddings.sum(-1).mean() + 2 * 0.01 * 3)
    assert float(term.factor) == pytest.approx(expected, abs=1e-5)
    assert np.abs(model.encoder.layers[1].kernel - kernel).max() > 1e-4
    assert np.abs(model.encoder.layers[1].kernel - plain.encoder.layers[1].kernel).max() > 1e-4
    networks = (model.encoder, model.projector, model.predictor, model.target_encoder, model.target_projector)
    assert not {id(v) for part in networks for v in part.weights} & {id(v) for v in term.weights}
    assert len(model.target_projector.weights) == len(plain.target_projector.weights)


def test_what_it_moves_stays_finite(with_objective, view_pair):
    model = with_objective("no predictor", extra_losses=[Product()])
    model.compile(keras.optimizers.SGD(0.1))
    model.encoder.layers[1].kernel.assign(np.full((3, 3, 3, 4), np.nan, np.float32))
    model.train_step((view_pair,))
    assert int(model.skipped) == 1
    assert float(model.extra_losses[0].moved) == 0.0


def test_it_is_not_exported(with_objective, tmp_path):
    model = with_objective("all")
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    model.export(str(tmp_path / "encoder"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "encoder"))
    np.testing.assert_allclose(loaded.serve(images), model.encoder(images), atol=1e-6)
    assert sum(variable.shape.num_elements() for variable in loaded.variables) == model.encoder.count_params()


def test_every_weight_is_saved_once(with_objective, tmp_path):
    model = with_objective("all")
    model.compile("adam")
    model.save(tmp_path / "model.keras")
    stored = []
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        file.visititems(lambda name, item: stored.append(item.size) if isinstance(item, h5py.Dataset) else None)
    expected = sum(int(np.prod(v.shape)) for v in (*model.variables, *model.optimizer.variables))
    assert expected <= sum(stored) <= expected + 10


def test_a_file_from_before_there_were_any_is_loaded(tiny_byol, view_pair, tmp_path):
    model = tiny_byol()
    model.compile(keras.optimizers.Adam(0.01))
    model.train_step((view_pair,))
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in new.namelist():
            content = new.read(name)
            if name == "config.json":
                config = json.loads(content)
                assert config["config"].pop("extra_losses") == []
                content = json.dumps(config)
            old.writestr(name, content)
    loaded = keras.models.load_model(tmp_path / "old.keras")
    assert_trains_alike(model, loaded, view_pair)


def test_without_a_predictor_the_projection_is_compared(with_objective, view_pair):
    model = with_objective("no predictor")
    assert model.predictor.weights == []
    projection = model.projector(model.encoder(view_pair[0]))
    np.testing.assert_array_equal(model.predictor(projection), projection)


def test_a_tau_that_others_write_mirrored(with_objective, view_pair):
    # target <- (1 - rate) * target + rate * online
    rate = 0.25
    model = with_objective("no predictor")
    model.tau = 1 - rate
    model.compile(keras.optimizers.SGD(0.1))
    before = model.target_encoder.get_weights()[0]
    model.train_step((view_pair,))
    online = model.encoder.get_weights()[0]
    expected = (1 - rate) * before + rate * online
    np.testing.assert_allclose(model.target_encoder.get_weights()[0], expected, atol=1e-6)
    assert np.abs(online - before).max() > 1e-3


@pytest.mark.parametrize(
    ("extra_loss", "said"),
    [
        (constant, "an extra loss is a layer"),
        (Wide(name="wide"), r"Received: wide, which gives \(None, 4\)"),
        (bk.CodingRateTerm(1.0, name="rate"), "Received: rate: "),
        (CriticTerm, "an extra loss is a layer"),
    ],
)
def test_what_is_no_extra_loss_is_refused_when_the_model_is_made(with_objective, extra_loss, said):
    with pytest.raises(bk.InputError, match=f"(?i){said}"):
        with_objective("no predictor", extra_losses=[extra_loss])


@pytest.mark.parametrize("term", [CenterTerm, ReconstructionTerm, CriticTerm])
def test_a_weight_that_cannot_be(term):
    for weight in (0, -1.0, float("nan")):
        with pytest.raises(bk.InputError, match=r"`weight` must be above 0\. Received: weight="):
            term(weight)

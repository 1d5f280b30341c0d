"""Tokens and series: BYOL asks of images only what it is given as images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.layers import batch_norm

from .by_hand import assert_trains_alike, batches, loss_by_hand, move_target_away, outputs, target_of

TOKENS, LENGTH = 11, 6


def token_encoder(dropout=0.0):
    inputs = keras.Input((LENGTH,), dtype="int32")
    x = keras.layers.Dropout(dropout)(keras.layers.Embedding(TOKENS, 5)(inputs))
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling1D()(x)))


def series_encoder(dropout=0.0):
    inputs = keras.Input((None, 2))
    x = keras.layers.ReLU()(batch_norm()(keras.layers.Conv1D(4, 3, use_bias=False)(inputs)))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(keras.layers.Dropout(dropout)(x)))


@keras.saving.register_keras_serializable("tests")
class Gathered(keras.Model):
    """An encoder of whole numbers that is a class, and that fails on floats."""

    def build(self, input_shape):
        self.table = self.add_weight((TOKENS, 4), name="table")

    def call(self, ids):
        return tf.reduce_mean(tf.gather(self.table, ids), axis=1)


def tokens(dtype="int32"):
    rng = np.random.default_rng(1)
    ids = rng.integers(0, TOKENS - 1, (12, LENGTH)).astype(dtype)
    return ids, np.where(rng.random(ids.shape) < 0.2, ids[::-1], ids).astype(dtype)


def series():
    view_1 = np.random.default_rng(2).normal(0, 30, (12, 20, 2)).astype(np.float32)
    return view_1, view_1 + np.random.default_rng(3).normal(0, 5, view_1.shape).astype(np.float32)


KINDS = pytest.mark.parametrize(("make", "views"), [(token_encoder, tokens()), (series_encoder, series())])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "uint16"])
def test_tokens_stay_the_numbers_they_are(tiny_byol, dtype):
    model, ids = tiny_byol(token_encoder()), tokens(dtype)[0]
    table, kernel, bias = model.encoder.get_weights()
    expected = table[ids.astype(int)].mean(axis=1) @ kernel + bias
    for actual in (model(ids), model.predict(ids, batch_size=5, verbose=0)):
        np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_series_stay_the_numbers_they_are(tiny_byol):
    model, (values, _) = tiny_byol(series_encoder()), series()
    kernel = model.encoder.get_weights()[0]
    windows = np.lib.stride_tricks.sliding_window_view(values, 3, axis=1)  # (B, 18, 2, 3)
    expected = np.maximum(np.einsum("btcw,wck->btk", windows, kernel) / np.sqrt(1 + 1e-5), 0).mean(axis=1)
    assert np.abs(expected).max() > 5
    np.testing.assert_allclose(model.predict(values, verbose=0), expected, rtol=1e-4, atol=1e-4)


@KINDS
def test_the_loss_is_the_one_of_images(tiny_byol, make, views):
    model = tiny_byol(make())
    model.compile(keras.optimizers.SGD(0.0))
    (prediction_1, target_1), (prediction_2, target_2) = (outputs(model, view, training=True) for view in views)
    expected = np.mean(loss_by_hand(prediction_1, target_2) + loss_by_hand(prediction_2, target_1))
    assert expected > 0.01
    assert model.fit(batches(views, 12), shuffle=False, verbose=0).history["loss"] == pytest.approx(
        [expected], rel=1e-4
    )


@KINDS
def test_the_target_follows_every_weight(tiny_byol, make, views):
    model = tiny_byol(make(), tau=0.75)
    move_target_away(model)
    before = [target.numpy() for target, _ in target_of(model)]
    model.compile(keras.optimizers.SGD(0.5))
    model.fit(batches(views, 12), shuffle=False, verbose=0)
    for old, (target, online) in zip(before, target_of(model), strict=True):
        np.testing.assert_allclose(target, 0.75 * old + 0.25 * online.numpy(), atol=1e-6)
        assert np.abs(online.numpy() - (old - 1)).max() > 0 or online.name == "bias"


def test_only_tokens_that_occur_are_trained(tiny_byol):
    model = tiny_byol(token_encoder())
    before = model.encoder.get_weights()[0]
    model.compile(keras.optimizers.SGD(0.5))
    model.fit(batches(tokens()), shuffle=False, verbose=0)
    moved = np.abs(model.encoder.get_weights()[0] - before).max(axis=1)
    assert moved[:-1].min() > 0
    assert moved[-1] == 0


@KINDS
def test_training_on_after_loading_is_training_without_a_break(tiny_byol, tmp_path, make, views):
    def fit(model, **epochs):
        model.fit(batches(views), shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9, 6)], **epochs)

    def compiled():
        keras.utils.set_random_seed(0)
        model = tiny_byol(make(dropout=0.3))
        model.compile(bk.LARS(0.5, weight_decay=1e-4))
        return model

    whole, part = compiled(), compiled()
    fit(whole, epochs=2)
    fit(part, epochs=1)
    part.save(tmp_path / "model.keras")
    keras.utils.set_random_seed(99)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    fit(loaded, epochs=2, initial_epoch=1)
    for actual, expected in zip(loaded.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
    embeddings = loaded.predict(views[0], verbose=0)
    np.testing.assert_allclose(embeddings, whole.predict(views[0], verbose=0), atol=1e-4)


@pytest.mark.parametrize(
    "optimizer", [bk.Muon(0.01), keras.optimizers.AdamW(0.01), keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)]
)
def test_any_optimizer_moves_a_table_of_embeddings(tiny_byol, optimizer):
    model = tiny_byol(token_encoder())
    before = model.encoder.get_weights()[0]
    model.compile(optimizer)
    model.fit(batches(tokens()), epochs=2, shuffle=False, verbose=0)
    assert int(model.steps) == 6
    assert int(model.skipped) == 0
    assert np.abs(model.encoder.get_weights()[0] - before)[:-1].max(axis=1).min() > 1e-4


def test_an_encoder_of_tokens_may_be_a_class(tmp_path):
    encoder, views = Gathered(), tokens()
    encoder(views[0])
    model = bk.BYOL(encoder, bk.mlp(4, 6, 3), bk.mlp(3, 6, 3))
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(batches(views), shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    assert_trains_alike(model, keras.models.load_model(tmp_path / "model.keras"), views)


@keras.saving.register_keras_serializable("tests")
class Noise(keras.layers.Layer):
    """Two noisy views of whatever is given."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.draw = keras.random.SeedGenerator(0)

    def call(self, x):
        return [x + keras.random.normal(keras.ops.shape(x), seed=self.draw) for _ in range(2)]


def test_fit_on_an_array_with_an_augmenter_and_held_out_ones(tiny_byol):
    model, (values, others) = tiny_byol(series_encoder(), augmenter=Noise()), series()
    model.compile(keras.optimizers.SGD(0.01))
    history = model.fit(values, batch_size=4, epochs=2, validation_data=others, verbose=0).history
    assert int(model.steps) == 6
    assert 0 < history["val_loss"][-1] < 8
    assert model.evaluate(others, return_dict=True, verbose=0)["target_std"] > 0.1


class OneView(keras.layers.Layer):
    def call(self, x):
        return x


def test_an_augmenter_must_give_two_views(tiny_byol):
    model = tiny_byol(series_encoder(), augmenter=OneView())
    model.compile("sgd")
    with pytest.raises(bk.InputError, match=r"gives \(view_1, view_2\)\. Received: float32 \(None, 20, 2\)"):
        model.fit(series()[0], batch_size=4, verbose=0)


def test_batches_of_one_are_refused(tiny_byol):
    model = tiny_byol(token_encoder())
    model.compile("sgd")
    with pytest.raises(bk.InputError, match=r"at least 2 examples.*Received: batch_size=1"):
        model.fit(batches(tokens(), 1), shuffle=False, verbose=0)


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (token_encoder, (12, 7), r"batches of \(B, 6\)\. Received: one of \((None|12), 7\)"),
        (token_encoder, (12,), r"batches of \(B, 6\)\. Received: one of \((None|12),\)"),
        (series_encoder, (12, 20, 3), r"batches of \(B, any, 2\)\. Received: one of \((None|12), 20, 3\)"),
        (series_encoder, (12, 4, 20, 2), r"batches of \(B, any, 2\)\. Received: one of \((None|12), 4, 20, 2\)"),
        (None, (12, 8, 8), r"batches of \(B, 8, 8, 3\)\. Received: one of \((None|12), 8, 8\)"),
        (None, (12, 9, 8, 3), r"batches of \(B, 8, 8, 3\)\. Received: one of \((None|12), 9, 8, 3\)"),
    ],
)
def test_batches_of_another_shape_are_refused(tiny_byol, make, shape, message):
    model, zeros = tiny_byol(make and make()), np.zeros(shape, np.float32)
    model.compile("sgd")
    with pytest.raises(bk.InputError, match=message):
        model.fit(batches((zeros, zeros)), shuffle=False, verbose=0)
    with pytest.raises(bk.InputError, match=message):
        model.evaluate(batches((zeros, zeros)), verbose=0)
    with pytest.raises(bk.InputError, match=message) as raised:
        model.predict(zeros, verbose=0)
    assert "\n" not in str(raised.value)


def test_images_in_gray_without_their_axis_of_channels_are_refused():
    # Keras would add the axis, and the images would go in as 0 to 255.
    inputs = keras.Input((8, 8, 1))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs)))
    model = bk.BYOL(encoder, bk.mlp(4, 6, 3), bk.mlp(3, 6, 3))
    with pytest.raises(bk.InputError, match=r"batches of \(B, 8, 8, 1\)"):
        model.predict(np.zeros((4, 8, 8), np.uint8), verbose=0)


@pytest.mark.parametrize("images", [np.full((4, 8, 8, 3), 2.0, np.float32), np.zeros((4, 8, 8, 3), np.int32)])
def test_what_has_rank_4_is_checked_as_images(tiny_byol, images):
    model = tiny_byol()
    model.compile("sgd")
    with pytest.raises(bk.InputError, match=r"[Ii]mages .*in \[0, 1\]"):
        model.fit(batches((images, images)), shuffle=False, verbose=0)
    with pytest.raises(bk.InputError, match=r"[Ii]mages .*in \[0, 1\]"):
        model.predict(images, verbose=0)


def test_an_unknown_rank_is_refused(tiny_byol):
    model = tiny_byol(series_encoder())
    model.compile("sgd")
    flat = tf.data.Dataset.from_tensors(series()).map(
        lambda *views: tuple(tf.numpy_function(lambda x: x, [view], tf.float32) for view in views)
    )
    with pytest.raises(bk.InputError, match=r"how many axes.*Received: float32 of unknown rank"):
        model.fit(flat.map(lambda *views: (views,)), shuffle=False, verbose=0)


def test_an_encoder_must_take_one_tensor():
    inputs = [keras.Input((3,)), keras.Input((2,))]
    encoder = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Concatenate()(inputs)))
    with pytest.raises(bk.InputError, match=r"must take one tensor.*\(None, 3\), \(None, 2\)"):
        bk.BYOL(encoder)


def test_an_encoder_of_series_must_give_one_vector():
    inputs = keras.Input((None, 2))
    with pytest.raises(bk.InputError, match=r"\(None, None, 4\).*GlobalAveragePooling1D\."):
        bk.BYOL(keras.Model(inputs, keras.layers.Conv1D(4, 3, padding="same")(inputs)))


def test_images_are_embedded_by_encoders_of_images():
    source = bk.data.from_arrays(np.zeros((4, 8, 8, 3), np.uint8))
    with pytest.raises(bk.InputError, match=r"BYOL\.predict embeds. Received: input \(None, 6\)"):
        bk.evaluation.embed(token_encoder(), source)


def test_extra_losses_get_the_views_as_they_are(tiny_byol):
    decoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(40), keras.layers.Reshape((20, 2))])
    model = tiny_byol(series_encoder(), extra_losses=[bk.objectives.ReconstructionTerm(1.0, decoder)])
    view = series()[0]
    embedding = model.encoder(view)
    expected = np.mean((view - decoder(embedding).numpy()) ** 2, axis=(1, 2))
    np.testing.assert_allclose(model.extra_losses[0](view, embedding, None), expected, rtol=1e-5)
    with pytest.raises(bk.InputError, match=r"`decoder`\. Received: views of \(6,\)"):
        tiny_byol(token_encoder(), extra_losses=[bk.objectives.ReconstructionTerm(1.0)])

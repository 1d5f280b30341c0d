"""What goes into the model, and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.heads import mlp

from .by_hand import batches
from .subclassed import Subclassed


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("labeled", [False, True])
def test_fit_takes_pairs_of_views(tiny_byol, labeled, dtype):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 8, 3)).astype(np.uint8)
    floats = pixels / np.float32(255)
    v1, v2 = pixels if dtype == "uint8" else floats
    data = ((v1, v2), np.arange(8)) if labeled else ((v1, v2),)
    model, expected = tiny_byol(), tiny_byol()
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensor_slices(data).batch(4), shuffle=False, verbose=0)
    expected.compile(keras.optimizers.SGD(0.1))
    for i in (0, 4):
        expected.train_step(((floats[0, i : i + 4], floats[1, i : i + 4]),))
    for actual, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(actual, other, atol=2e-4)


@pytest.mark.parametrize("form", ["images", "(images,)", "(images, labels)"])
def test_with_an_augmenter_fit_takes_images(tiny_byol, form):
    images = np.random.default_rng(0).integers(0, 256, (8, 12, 10, 3)).astype(np.uint8)
    data = {"images": images, "(images,)": (images,), "(images, labels)": (images, np.arange(8))}[form]
    model = tiny_byol(augmenter=bk.TwoViews(8, seed=3))
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensor_slices(data).batch(4), shuffle=False, verbose=0)

    expected, views = tiny_byol(), bk.TwoViews(8, seed=3)
    expected.compile(keras.optimizers.SGD(0.1))
    for i in (0, 4):
        expected.train_step((views(images[i : i + 4]),))
    for actual, other in zip(model.predictor.get_weights(), expected.predictor.get_weights(), strict=True):
        np.testing.assert_allclose(actual, other, atol=1e-5)


def test_fit_takes_validation_data(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    dataset = batches(view_pair)
    history = model.fit(dataset, validation_data=dataset, shuffle=False, verbose=0).history
    logs = model.evaluate(dataset, return_dict=True, verbose=0)
    assert history["val_loss"] == pytest.approx([logs["loss"]], abs=1e-6)
    assert history["val_target_std"] == pytest.approx([logs["target_std"]], abs=1e-6)


@pytest.mark.parametrize("form", ["images", "(v1, v2)", "(images, labels)", "three views", "views in views"])
def test_batches_without_two_views_are_refused(tiny_byol, view_pair, form):
    v1, v2 = view_pair
    data = {
        "images": v1,
        "(v1, v2)": (v1, v2),
        "(images, labels)": (v1, np.arange(12)),
        "three views": ((v1, v2, v1),),
        "views in views": (((v1, v2), (v1, v2)),),
    }[form]
    model = tiny_byol()
    model.compile("sgd")
    with pytest.raises(bk.InputError, match=r"\(\(view_1, view_2\),\).*augmenter=TwoViews.*Received: .*float32 \(None"):
        model.fit(tf.data.Dataset.from_tensor_slices(data).batch(4), shuffle=False, verbose=0)


def test_with_an_augmenter_pairs_of_views_are_refused(tiny_byol, view_pair):
    model = tiny_byol(augmenter=bk.TwoViews(8))
    model.compile("sgd")
    with pytest.raises(bk.InputError, match="a batch is one tensor, not its views"):
        model.fit(batches(view_pair), shuffle=False, verbose=0)


def test_an_encoder_must_give_one_vector_an_image():
    inputs = keras.Input((8, 8, 3))
    encoder = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    with pytest.raises(bk.InputError, match=r"\(None, 6, 6, 4\).*GlobalAveragePooling2D"):
        bk.BYOL(encoder)


@pytest.mark.parametrize(
    "make", [Subclassed, lambda: keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()])]
)
def test_an_encoder_must_be_built(make):
    with pytest.raises(bk.InputError, match="no weights yet"):
        bk.BYOL(make())


def test_an_encoder_must_be_a_model():
    with pytest.raises(bk.InputError, match=r"must be a keras\.Model"):
        bk.BYOL(keras.layers.Dense(3))


def test_heads_must_fit_together(tiny_encoder):
    with pytest.raises(bk.InputError, match=r"projector must take \(B, 4\)\. Received: one from 5 to 3"):
        bk.BYOL(tiny_encoder(), projector=mlp(5, 6, 3))
    with pytest.raises(
        bk.InputError, match=r"predictor must take \(B, 3\) and give \(B, 3\)\. Received: one from 3 to 2"
    ):
        bk.BYOL(tiny_encoder(), projector=mlp(4, 6, 3), predictor=mlp(3, 6, 2))
    with pytest.raises(bk.InputError, match=r"projector has no weights yet: begin it with keras\.Input\(\(4,\)\)"):
        bk.BYOL(tiny_encoder(), projector=keras.Sequential([keras.layers.Dense(3)]))


@pytest.mark.parametrize("tau", [-0.01, 1.01, float("nan")])
def test_tau_must_be_a_share(tiny_byol, tau):
    with pytest.raises(bk.InputError, match=f"tau={tau}"):
        tiny_byol(tau=tau)
    with pytest.raises(bk.InputError, match=f"tau_base={tau}"):
        tiny_byol().set_target_schedule(tau, 100)

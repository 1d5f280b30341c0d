"""What users of Keras write and expect to work, or to be told."""

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.errors import InputError
from byol_keras.models.heads import mlp


@pytest.fixture
def byol(tiny_byol):
    """Makes a compiled BYOL that runs eagerly."""

    def make(**kwargs):
        model = tiny_byol(**kwargs)
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        return model

    return make


def test_a_list_of_views_is_a_pair(byol, view_pair):
    losses = [byol().fit(form(view_pair), shuffle=False, verbose=0).history["loss"] for form in (tuple, list)]
    assert losses[0] == losses[1]
    model = byol()
    assert model.evaluate([*view_pair], verbose=0) == model.evaluate(tuple(view_pair), verbose=0)


def test_a_list_of_images_is_no_batch(byol, view_pair):
    model = byol()
    images = [*view_pair[0]]
    with pytest.raises((InputError, ValueError), match=r"one tensor|expected to be in format"):
        model.predict(images, verbose=0)
    with pytest.raises(InputError, match="BYOL trains on two views"):
        model.fit(images, verbose=0)
    with pytest.raises(InputError, match=r"A batch is one tensor\. Received: \["):
        model(images)


def test_an_error_raised_while_another_is_handled_is_its_own(byol, view_pair):
    try:
        raise InputError("the first")
    except InputError:
        with pytest.raises(InputError, match="BYOL trains on two views"):
            byol().fit(view_pair[0], verbose=0)


@keras.saving.register_keras_serializable("tests")
class Noisy(keras.layers.Layer):
    """Two views by a layer of Keras that does nothing unless it is told to train."""

    def __init__(self):
        super().__init__()
        self.noise = keras.layers.GaussianNoise(0.1, seed=0)

    def call(self, images, training=None):
        return self.noise(images, training=training), self.noise(images, training=training)


def test_an_augmenter_is_told_to_train(byol, view_pair):
    seen = []

    class Seen(Noisy):
        def call(self, images, training=None):
            views = super().call(images, training=training)
            seen.append(float(np.abs(views[0] - views[1]).mean()))
            return views

    model = byol(augmenter=Seen())
    model.fit(view_pair[0], verbose=0)
    model.evaluate(view_pair[0], verbose=0)
    assert len(seen) == 2
    assert min(seen) > 0.05


def test_held_out_images_and_labels_may_be_a_list(byol, view_pair):
    images, labels = view_pair[0], np.arange(len(view_pair[0]))
    history = byol(augmenter=Noisy()).fit(images, labels, validation_data=[images, labels], verbose=0).history
    assert "val_loss" in history


def test_an_augmenter_is_a_layer(tiny_byol):
    with pytest.raises(InputError, match=r"The augmenter must be a keras\.layers\.Layer"):
        tiny_byol(augmenter=lambda images: (images, images))


def test_an_encoder_that_rounds_images_is_refused():
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    encoder = keras.Model(inputs, keras.layers.Dense(6)(x))
    with pytest.raises(InputError, match=r"begin it with a keras\.Input of float32\. Received: dtype=uint8"):
        bk.BYOL(encoder)


def test_an_encoder_whose_vectors_have_no_size_is_refused():
    inputs = keras.Input((None, None, 3))
    encoder = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Conv2D(2, 3)(inputs)))
    with pytest.raises(InputError, match="vectors of no fixed size"):
        bk.BYOL(encoder)


@keras.saving.register_keras_serializable("tests")
class Head(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(3)

    def call(self, vectors):
        return self.dense(vectors)


def test_a_head_written_as_a_class_is_refused(tiny_encoder):
    head = Head()
    head(np.zeros((2, 4), np.float32))
    with pytest.raises(InputError, match="The projector must be a functional or sequential model"):
        bk.BYOL(tiny_encoder(), projector=head)


def test_one_head_may_be_both(tiny_encoder, view_pair):
    head = mlp(4, 6, 4)
    model = bk.BYOL(tiny_encoder(), projector=head, predictor=head)
    model.compile(keras.optimizers.SGD(0.1))
    assert len(model.trainable_variables) == len({id(v) for v in model.trainable_variables})
    before = head.get_weights()
    model.fit(view_pair, verbose=0)
    assert not np.array_equal(before[0], head.get_weights()[0])


def test_a_batch_norm_that_is_frozen_is_so_in_the_target(byol, view_pair):
    def statistics(network):
        (layer,) = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        return [layer.moving_mean.numpy(), layer.moving_variance.numpy()]

    model = byol()
    target_variables = [v.trainable for v in model.target_encoder.variables]
    model.encoder.trainable = False
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    before = statistics(model.target_encoder)
    model.fit(view_pair, verbose=0)
    for network in (model.encoder, model.target_encoder):
        np.testing.assert_array_equal(statistics(network), before)
    model.encoder.trainable = True
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    model.fit(view_pair, verbose=0)
    assert not np.array_equal(statistics(model.encoder), before)
    assert not np.array_equal(statistics(model.target_encoder), before)
    # However the layers are flagged, no optimizer moves the target.
    assert [v.trainable for v in model.target_encoder.variables] == target_variables


def test_views_of_whole_numbers_are_scaled_as_batches_are(byol, view_pair):
    images = np.round(255 * view_pair[0]).astype(np.uint8)

    class Same(keras.layers.Layer):
        def call(self, images):
            return images, images

    losses = [
        byol(augmenter=Same()).fit(form, shuffle=False, verbose=0).history["loss"]
        for form in (images, images / np.float32(255))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("augmenter", [None, pytest.param("views", marks=pytest.mark.slow)])
def test_a_step_compiled_by_xla_has_its_checks(augmenter, tiny_byol, view_pair):
    model = tiny_byol(augmenter=None if augmenter is None else bk.TwoViews(8))
    model.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    images = view_pair if augmenter is None else view_pair[0]
    bad = [255 * view for view in images] if augmenter is None else 255 * images
    with pytest.raises(InputError, match=r"must be in \[0, 1\].*Received: values from"):
        model.fit(bad, verbose=0)
    one = [view[:3] for view in images] if augmenter is None else images[:3]
    with pytest.raises(InputError, match="at least 2 examples"):
        model.fit(one, batch_size=1, verbose=0)
    # The last batch may be of one.
    some = [view[:5] for view in images] if augmenter is None else images[:5]
    assert np.isfinite(model.fit(some, batch_size=2, verbose=0).history["loss"][0])


def test_what_xla_compiles_beside_training_has_its_checks(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    bad = tuple(255 * view for view in view_pair)
    outside = r"must be in \[0, 1\].*Received: values from"
    with pytest.raises(InputError, match=outside):
        model.predict(bad[0], verbose=0)
    with pytest.raises(InputError, match=outside):
        model.evaluate(bad, verbose=0)
    with pytest.raises(InputError, match=outside):
        model.fit(view_pair, validation_data=(bad,), verbose=0)
    # One image alone has an embedding.
    one = model.predict(view_pair[0][:1], verbose=0)
    np.testing.assert_allclose(one, model.encoder(view_pair[0][:1]), rtol=1e-4, atol=1e-5)

"""`fit` and its kin on arrays: what Keras does with them, without its autotuning."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.array_batches import array_batches, in_batches

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3), np.uint8)


def tiny(seed=0):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8, 8, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs)))
    model = bk.BYOL(encoder, bk.mlp(4, 8, 4), bk.mlp(4, 8, 4), augmenter=bk.TwoViews(8, seed=1))
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    return model


def test_each_pass_has_every_element_once_in_an_order_of_its_own():
    numbers = np.arange(10, dtype=np.float64)
    batches = array_batches({"a": numbers, "b": -numbers}, 4, shuffle=True)
    passes = []
    for _ in range(3):
        made = list(batches.as_numpy_iterator())
        assert [len(batch["a"]) for batch in made] == [4, 4, 2]
        passes.append(np.concatenate([batch["a"] for batch in made]))
        np.testing.assert_array_equal(passes[-1], -np.concatenate([batch["b"] for batch in made]))
        np.testing.assert_array_equal(np.sort(passes[-1]), numbers)
    assert len({tuple(order) for order in passes}) == 3
    assert batches.options().autotune.enabled is False
    in_order = array_batches((numbers,), 4, shuffle=False).as_numpy_iterator()
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in in_order]), numbers)


@pytest.mark.parametrize(
    "arrays", [(), ([1, 2],), (np.arange(3), np.arange(4)), (np.array(["a"]),), (np.zeros((0, 2)),), (None,)]
)
def test_what_is_no_structure_of_arrays_is_left_to_keras(arrays):
    assert array_batches(arrays, 4, shuffle=False) is None


def test_the_seed_decides_the_order():
    def losses(seed):
        return tiny(seed).fit(IMAGES, batch_size=4, epochs=2, verbose=0).history["loss"]

    assert losses(0) == losses(0) != losses(1)


def test_training_on_arrays_is_that_on_their_batches(monkeypatch):
    def batches(images):
        return tf.data.Dataset.from_tensor_slices((images, np.zeros(len(images)))).batch(4)

    one, other = tiny(), tiny()
    history = one.fit(batches(IMAGES), epochs=2, shuffle=False, validation_data=batches(IMAGES[:5]), verbose=0).history
    values, embedded = one.evaluate(batches(IMAGES), verbose=0), one.predict(batches(IMAGES), verbose=0)

    def autotuned(self):
        raise AssertionError("Keras makes the batches, which it autotunes.")

    monkeypatch.setattr(
        "keras.src.trainers.data_adapters.array_data_adapter.ArrayDataAdapter.get_tf_dataset", autotuned
    )
    given = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
    assert other.fit(IMAGES, np.zeros(10), validation_data=IMAGES[:5], **given).history == history
    assert other.evaluate(IMAGES, batch_size=4, verbose=0) == values
    np.testing.assert_array_equal(other.predict(IMAGES, batch_size=4, verbose=0), embedded)
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_two_arrays_of_views_are_a_batch_of_views():
    model = tiny()
    model.augmenter = None
    views = IMAGES, IMAGES[:, ::-1]
    assert np.isfinite(model.fit(views, batch_size=5, verbose=0).history["loss"]).all()


def test_positional_arguments_and_parts_of_arrays_are_kerass():
    model = tiny()
    assert len(model.fit(IMAGES, None, 5, 2, 0).history["loss"]) == 2
    assert "val_loss" in model.fit(IMAGES, batch_size=4, validation_split=0.3, verbose=0).history
    assert model.predict(IMAGES, 4, 0).shape == (10, 4)


def test_held_out_arrays_that_are_left_to_keras_have_the_size_of_batch_that_was_asked_for():
    images = np.zeros((20, 4), np.float32)
    for held_out in ({"validation_data": (images,), "validation_steps": 2}, {"validation_data": tf.constant(images)}):
        kwargs = {"batch_size": 8, **held_out}
        in_batches((images, None), (), kwargs)
        assert kwargs["validation_batch_size"] == 8
        kwargs = {"batch_size": 8, "validation_batch_size": 5, **held_out}
        in_batches((images, None), (), kwargs)
        assert kwargs["validation_batch_size"] == 5

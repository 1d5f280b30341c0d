"""Reconstruction: the squared error of a decoder, and the decoder there is."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.objectives import ReconstructionTerm, convolutional_decoder

from .by_differences import gradient_by_differences


def linear_decoder():
    """(B, 4) -> (B, 2, 3, 1)."""
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(6), keras.layers.Reshape((2, 3, 1))])


def test_it_is_the_mean_squared_error_and_so_is_its_gradient():
    rng = np.random.default_rng(0)
    view, embedding = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 2, 3, 1), (5, 4)))
    term = ReconstructionTerm(0.7, linear_decoder())
    kernel, bias = (np.float64(weight) for weight in term.decoder.get_weights())

    def by_hand(embedding):
        decoded = (embedding @ kernel + bias).reshape(5, 2, 3, 1)
        return 0.7 * np.array([np.mean((v - d) ** 2) for v, d in zip(np.float64(view), decoded, strict=True)])

    given = tf.constant(embedding)
    with tf.GradientTape() as tape:
        tape.watch(given)
        losses = term(tf.constant(view), given, tf.zeros([5, 3]))
    np.testing.assert_allclose(losses, by_hand(np.float64(embedding)), rtol=1e-6, atol=1e-6)
    expected = gradient_by_differences(lambda e: by_hand(e).sum(), np.float64(embedding))
    np.testing.assert_allclose(tape.gradient(losses, given), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("image_shape", [(8, 8, 3), (16, 24, 1), (13, 9, 4), (1, 1, 2), (40, 17, 3)])
def test_the_decoder_gives_images_of_any_size(image_shape):
    decoder = convolutional_decoder(5, image_shape, filters=4)
    assert decoder(tf.zeros([2, 5])).shape == (2, *image_shape)
    assert decoder.output_shape == (None, *image_shape)
    # Nothing keeps its output in a range.
    assert "relu" not in str(decoder.layers[-2].activation)


@pytest.mark.parametrize(("size", "grid"), [(8, 4), (16, 8), (32, 8), (64, 8), (96, 6), (128, 8), (224, 7)])
def test_the_decoder_begins_with_few_places(size, grid):
    dense, reshape, *convolutions, crop = convolutional_decoder(512, (size, size, 3)).layers
    assert reshape.target_shape == (grid, grid, 64)
    assert dense.units == grid * grid * 64
    assert grid * 2 ** len(convolutions) == size
    assert crop.cropping == ((0, 0), (0, 0))


def test_it_makes_a_decoder_for_the_encoder(tiny_encoder):
    term = ReconstructionTerm(1.0)
    bk.BYOL(tiny_encoder(), extra_losses=[term])
    assert term.decoder.input_shape == (None, 4)
    assert term.decoder.output_shape == (None, 8, 8, 3)


def test_decoders_that_do_not_fit_are_refused_when_the_model_is_made(tiny_encoder):
    for decoder in (convolutional_decoder(4, (8, 8, 1)), keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])):
        with pytest.raises(bk.InputError, match=r"as the encoder takes them, \(8, 8, 3\)\. Received: one that gives"):
            bk.BYOL(tiny_encoder(), extra_losses=[ReconstructionTerm(1.0, decoder)])


def test_an_encoder_of_any_image_size_needs_a_decoder():
    inputs = keras.Input((None, None, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs)))
    with pytest.raises(bk.InputError, match=r"give ReconstructionTerm a `decoder`\. Received: views of"):
        bk.BYOL(encoder, extra_losses=[ReconstructionTerm(1.0)])
    bk.BYOL(encoder, extra_losses=[ReconstructionTerm(1.0, convolutional_decoder(4, (8, 8, 3)))])


def test_half_precision_leaves_the_view_as_it_is(set_policy):
    set_policy("mixed_bfloat16")
    decoder = linear_decoder()
    decoder.set_weights([np.zeros((4, 6)), np.zeros(6)])
    # bfloat16 has no number so close to 1.
    view = tf.fill([2, 2, 3, 1], 1.001)
    losses = ReconstructionTerm(1.0, decoder)(view, tf.zeros([2, 4], tf.bfloat16), tf.zeros([2, 3]))
    assert losses.dtype == tf.float32
    np.testing.assert_allclose(losses, [1.001**2] * 2, rtol=1e-6)

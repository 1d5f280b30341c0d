import keras
import numpy as np
import pytest

from byol_keras.data.arrays import from_arrays
from byol_keras.errors import InputError
from byol_keras.evaluation import embed
from byol_keras.precision import cast_model


@pytest.fixture
def encoder(tiny_encoder):
    """With statistics that are not those it starts with."""
    keras.utils.set_random_seed(0)
    encoder = tiny_encoder()
    rng = np.random.default_rng(0)
    encoder.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in encoder.get_weights()])
    return encoder


def test_embeddings_are_those_of_the_plain_model(encoder):
    images = np.random.default_rng(1).integers(0, 256, (21, 8, 8, 3), np.uint8)
    before = encoder.get_weights()
    result = embed(encoder, from_arrays(images), batch_size=8)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, encoder.predict(images / np.float32(255), verbose=0), rtol=1e-5, atol=1e-6)
    for weight, old in zip(encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_gray_images_for_a_color_encoder(encoder):
    gray = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 1), np.uint8)
    result, expected = (embed(encoder, from_arrays(images)) for images in (gray, np.repeat(gray, 3, axis=-1)))
    np.testing.assert_array_equal(result, expected)
    with pytest.raises(InputError, match=r"Images of 3 channels are needed \(1 gray, 3 color\), these have 4"):
        embed(encoder, from_arrays(np.zeros((2, 8, 8, 4), np.uint8)))


def test_in_bfloat16_embeddings_differ_by_rounding_only(encoder):
    images = np.random.default_rng(1).integers(0, 256, (21, 8, 8, 3), np.uint8)
    exact, rounded = (embed(encoder, from_arrays(images), precision=p) for p in ("float32", "bfloat16"))
    assert rounded.dtype == np.float32
    assert 0 < np.abs(rounded - exact).max() < 0.02 * np.abs(exact).max()


def test_an_encoder_of_half_precision_is_computed_as_it_is_told(tiny_encoder, set_policy):
    set_policy("mixed_bfloat16")
    half = tiny_encoder()
    set_policy("float32")
    images = np.random.default_rng(1).integers(0, 256, (21, 8, 8, 3), np.uint8)
    exact, as_it_is = (embed(half, from_arrays(images), precision=p) for p in ("float32", None))
    expected = cast_model(half, "float32").predict(images / np.float32(255), verbose=0)
    np.testing.assert_allclose(exact, expected, rtol=1e-5, atol=1e-6)
    assert as_it_is.dtype == np.float32
    assert 1e-5 < np.abs(as_it_is - exact).max() < 0.02 * np.abs(exact).max()
    assert half.dtype_policy.name == "mixed_bfloat16"
    with pytest.raises(InputError, match="dtype='float16'"):
        embed(half, from_arrays(images), precision="float16")


def test_an_unknown_precision(encoder):
    with pytest.raises(InputError, match="No precision is called 'half'"):
        embed(encoder, from_arrays(np.zeros((2, 8, 8, 3), np.uint8)), precision="half")


@pytest.mark.parametrize("size", [(None, None), (8, 16)])
def test_an_encoder_without_one_square_size(size):
    inputs = keras.Input((*size, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(InputError, match=r"as squares of one size.* Received: input \(None, "):
        embed(encoder, from_arrays(np.zeros((2, 8, 8, 3), np.uint8)))

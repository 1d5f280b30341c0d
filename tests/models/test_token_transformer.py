"""The Transformer over tokens."""

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.precision import cast_model

IDS = np.array([[5, 7, 2, 0, 0, 0], [9, 1, 4, 8, 3, 6], [7, 0, 0, 0, 0, 0]], np.int32)
MASK = 10


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    return bk.token_transformer(9, 6, width=8, depth=2, heads=2)


def test_one_vector_for_each_text_and_padding_counts_for_nothing(encoder):
    vectors = encoder(IDS).numpy()
    assert vectors.shape == (3, 8)
    assert vectors.dtype == np.float32
    alone = encoder(IDS[:1]).numpy()
    np.testing.assert_allclose(alone[0], vectors[0], atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 0.1
    # What the padding's embedding is does not matter: neither attention nor the mean sees it.
    tokens = encoder.get_layer("tokens")
    before = tokens.get_weights()
    tokens.set_weights([np.concatenate([before[0][:1] + 5, before[0][1:]])])
    np.testing.assert_allclose(encoder(IDS).numpy(), vectors, atol=1e-5)
    tokens.set_weights(before)
    np.testing.assert_array_equal(encoder(np.zeros((2, 6), np.int32)), np.zeros((2, 8)))


def test_the_order_of_tokens_matters(encoder):
    assert np.abs(encoder(IDS[1:2, ::-1]) - encoder(IDS[1:2])).max() > 0.01


def test_it_is_plain_keras_and_saved(encoder, tmp_path):
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(loaded(IDS), encoder(IDS))
    assert "byol_keras" not in encoder.to_json()


def test_it_is_trained(encoder, tiny_byol):
    model = tiny_byol(encoder, augmenter=bk.TokenViews(MASK, drop=0.0, mask=0.5, seed=0))
    before = encoder.get_weights()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(np.repeat(IDS, 4, axis=0), batch_size=6, epochs=2, shuffle=False, verbose=0)
    for weight, old in zip(encoder.weights, before, strict=True):
        # A key's bias adds the same to all logits of a softmax.
        assert np.abs(weight.numpy() - old).max() > 0 or weight.path.endswith("key/bias"), weight.path
    encoder.set_weights(before)


def test_half_precision_and_back(set_policy):
    set_policy("mixed_bfloat16")
    half = bk.token_transformer(9, 6, width=8, depth=1, heads=2)
    whole = cast_model(half, "float32")
    assert np.abs(whole(IDS).numpy()).max() > 0.1
    np.testing.assert_allclose(np.float32(half(IDS)), whole(IDS), atol=0.1)


def test_the_mean_is_of_float32_under_a_mixed_policy(set_policy):
    set_policy("mixed_bfloat16")
    # bfloat16 counts from 300 to 302.
    half = bk.token_transformer(9, 301, width=8, depth=1, heads=2)
    ids = np.random.default_rng(0).integers(1, 10, (2, 301)).astype(np.int32)
    ids[1, 259:] = 0
    vectors = half(ids).numpy()
    assert vectors.dtype == np.float32
    normalized = keras.Model(half.input, half.get_layer("norm").output)(ids).numpy()
    assert normalized.dtype == np.float32
    for vector, each, count in zip(vectors, normalized, (301, 259), strict=True):
        np.testing.assert_allclose(vector, each[:count].mean(axis=0, dtype=np.float64), atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"heads": 3}, "`width` must be a multiple of `heads`. Received: width=128, heads=3"),
        ({"depth": -1}, "depth=-1"),
        ({"length": 2.0}, "length=2.0"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(bk.InputError, match=message):
        bk.token_transformer(**{"vocabulary": 9, "length": 6, **wrong})

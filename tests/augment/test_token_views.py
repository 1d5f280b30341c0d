"""Views of tokens: each function by hand, and the layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.augment.random import uniform
from byol_keras.augment.token_views import drop_tokens, mask_spans, shuffle_near

MASK = 99
IDS = np.array([[5, 3, 7, 3, 0, 0], [1, 0, 0, 0, 0, 0], [2, 4, 6, 8, 9, 1], [0, 0, 0, 0, 0, 0]], np.int32)


def chances(shape, seed=0):
    return uniform(shape, tf.constant([seed, 1]))


def test_dropped_tokens_leave_no_gap():
    given = np.array(
        [[0.9, 0.1, 0.5, 0.2, 0.0, 0.9], [0.9] * 6, [0.3, 0.29, 0.0, 0.99, 0.1, 0.31], [0.9] * 6], np.float32
    )
    expected = [[5, 7, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [2, 8, 1, 0, 0, 0], [0] * 6]
    np.testing.assert_array_equal(drop_tokens(IDS, 0.3, given), expected)


def test_a_text_never_loses_all_its_tokens():
    np.testing.assert_array_equal(drop_tokens(IDS, 0.5, np.zeros(IDS.shape, np.float32)), IDS)


def test_as_many_tokens_are_dropped_as_asked():
    kept = np.mean(drop_tokens(np.ones((500, 40), np.int32), 0.25, chances((500, 40))) != 0)
    assert kept == pytest.approx(0.75, abs=0.01)


def test_masked_spans_by_hand():
    # A span of 3 with share 0.488 begins at a place with the chance 0.2; the first two places lie before the text.
    given = np.ones((4, 8), np.float32)
    given[0, 0] = 0.19  # covers the first token only
    given[2, [3, 4]] = 0.1, 0.21  # from the second token; the other does not begin
    expected = IDS.copy()
    expected[0, 0] = MASK
    expected[2, 1:4] = MASK
    np.testing.assert_array_equal(mask_spans(IDS, 0.488, 3, MASK, given), expected)


@pytest.mark.parametrize("span", [1, 3, 5])
def test_every_place_is_masked_alike_and_padding_never(span):
    ids = np.repeat([[4] * 12 + [0] * 4], 4000, axis=0).astype(np.int32)
    masked = mask_spans(ids, 0.3, span, MASK, chances((4000, 16 + span - 1))).numpy()
    np.testing.assert_allclose(np.mean(masked[:, :12] == MASK, axis=0), 0.3, atol=0.03)
    assert masked[:, 12:].max() == 0


def test_tokens_change_places_with_near_ones_only():
    ids = np.repeat([[*range(1, 21), 0, 0]], 2000, axis=0).astype(np.int32)
    shuffled = shuffle_near(ids, 3, chances(ids.shape)).numpy()
    np.testing.assert_array_equal(np.sort(shuffled[:, :20]), ids[:, :20])
    assert shuffled[:, 20:].max() == 0
    moved = np.abs(shuffled[:, :20] - ids[:, :20])
    assert moved.max() == 2
    assert 0.3 < np.mean(moved > 0) < 0.7
    np.testing.assert_array_equal(shuffle_near(ids, 1, chances(ids.shape)), ids)
    by_hand = shuffle_near([[1, 2, 3, 4]], 2, np.array([[0.9, 0.1, 0.0, 0.0]], np.float32))
    np.testing.assert_array_equal(by_hand, [[2, 1, 3, 4]])  # keys 1.8, 1.2, 2, 3


def test_the_layer_gives_two_views_of_its_functions():
    views = bk.TokenViews(MASK, drop=0.3, mask=0.3, span=2, window=3, seed=5)
    ids = np.random.default_rng(0).integers(1, 50, (64, 20))
    view_1, view_2 = views(ids)
    for view in (view_1, view_2):
        assert view.dtype == tf.int32
        assert view.shape == ids.shape
        real = view.numpy() != 0
        assert (np.diff(real.astype(int), axis=1) <= 0).all()  # padding only at the end
        assert np.mean(real) == pytest.approx(0.7, abs=0.05)
        assert np.mean(view.numpy()[real] == MASK) == pytest.approx(0.3, abs=0.05)
        for row, given in zip(view.numpy(), ids, strict=True):
            assert set(row) <= {0, MASK, *given}
    assert np.mean(view_1 != view_2) > 0.3


def test_without_chances_the_views_are_the_ids():
    for view in bk.TokenViews(MASK, drop=0.0, mask=0.0, window=1)(IDS):
        np.testing.assert_array_equal(view, IDS)


def test_seeds_decide(tmp_path):
    ids, views = np.arange(1, 101).reshape(5, 20), bk.TokenViews(MASK, seed=5)
    first, second = views(ids), views(ids)
    assert np.any(first[0] != second[0])
    again = bk.TokenViews.from_config(views.get_config())
    for expected in (first, second):
        for view, other in zip(again(ids), expected, strict=True):
            np.testing.assert_array_equal(view, other)
    given = views(ids, seed=[1, 2])
    graph = tf.function(lambda x: views(x, seed=[1, 2]))(ids)
    dataset = tf.data.Dataset.from_tensors(ids).map(lambda x: views(x, seed=[1, 2]))
    for others in (graph, next(iter(dataset)), bk.TokenViews(MASK)(ids, seed=[1, 2])):
        for view, other in zip(others, given, strict=True):
            np.testing.assert_array_equal(view, other)


def test_a_part_of_a_batch_gets_the_views_of_the_whole():
    ids, views = np.arange(1, 121).reshape(6, 20), bk.TokenViews(MASK, span=2)
    for view, whole in zip(views(ids[2:4], seed=[1, 2], part=(2, 6)), views(ids, seed=[1, 2]), strict=True):
        np.testing.assert_array_equal(view, whole[2:4])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mask_id": 0}, "`mask_id` must be a whole number from 1. Received: mask_id=0"),
        ({"drop": 1.0}, "`drop` must be from 0 to below 1. Received: drop=1.0"),
        ({"mask": float("nan")}, "`mask` must be from 0 to below 1. Received: mask=nan"),
        ({"span": 0}, "span=0"),
        ({"window": 1.5}, "window=1.5"),
    ],
)
def test_values_out_of_range_are_refused(wrong, message):
    with pytest.raises(bk.InputError, match=message):
        bk.TokenViews(**{"mask_id": MASK, **wrong})


@pytest.mark.parametrize("ids", [np.ones((2, 3), np.float32), np.ones((2, 3, 4), np.int32), np.ones(3, np.int32)])
def test_what_are_no_ids_is_refused(ids):
    with pytest.raises(bk.InputError, match=r"Texts are ids \(B, L\), whole numbers\. Received: (float|int)32 \("):
        bk.TokenViews(MASK)(ids)


def test_a_saved_model_goes_on_with_its_views(tiny_byol, tmp_path):
    inputs = keras.Input((6,), dtype="int32")
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(100, 4)(inputs)))
    model = tiny_byol(encoder, augmenter=bk.TokenViews(MASK, drop=0.4))
    model.compile(keras.optimizers.SGD(0.1))
    ids = np.random.default_rng(0).integers(1, 50, (12, 6))
    model.fit(ids, batch_size=4, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(ids, batch_size=4, shuffle=False, verbose=0)
    for actual, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-6)

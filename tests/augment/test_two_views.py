import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.augment.view import VIEW_1, VIEW_2, random_view

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 30, 40, 3)).astype(np.uint8)
SEED = tf.constant([1, 2])
OFF = {
    **VIEW_1,
    "crop_area": (1.0, 1.0),
    "crop_aspect": (1.0, 1.0),
    **dict.fromkeys(("flip", "jitter", "grayscale", "blur", "solarize"), 0.0),
}


def assert_same(actual, expected, tolerance=0.0):
    for view, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(view, other, rtol=0, atol=tolerance)


def differ(views, others):
    return all(np.abs(np.asarray(view) - other).max() > 0.1 for view, other in zip(views, others, strict=True))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_two_views_in_unit_range(channels, dtype):
    images = IMAGES[..., :channels] if dtype == "uint8" else IMAGES[..., :channels] / np.float32(255)
    views = bk.TwoViews(24)(images)
    assert len(views) == 2
    for view in views:
        assert view.shape == (5, 24, 24, channels)
        assert view.dtype == tf.float32
        assert float(tf.reduce_min(view)) >= 0.0
        assert float(tf.reduce_max(view)) <= 1.0


def test_half_precision_policies_leave_the_views_in_float32():
    expected = bk.TwoViews(24)(IMAGES, seed=SEED)
    assert_same(bk.TwoViews(24, dtype="mixed_bfloat16")(IMAGES / np.float32(255), seed=SEED), expected, 1e-6)


def test_integers_are_divided_by_the_largest_of_their_type():
    views = bk.TwoViews(24)
    expected = views(IMAGES / np.float32(255), seed=SEED)
    assert_same(views(IMAGES, seed=SEED), expected, 1e-6)
    assert_same(views(IMAGES.astype(np.uint16) * 257, seed=SEED), expected, 1e-6)


def test_each_view_has_its_own_settings():
    images = np.zeros((4, 8, 8, 3), np.float32)
    images[..., 1] = 1.0
    plain, gray = bk.TwoViews(8, view_1=OFF, view_2={**OFF, "grayscale": 1.0})(images)
    np.testing.assert_allclose(plain, images, atol=1e-6)
    np.testing.assert_allclose(gray, np.full(images.shape, 0.5870), atol=1e-6)


def test_the_views_are_those_of_the_paper_unless_told_otherwise():
    config = bk.TwoViews(8).get_config()
    assert (config["view_1"], config["view_2"]) == (VIEW_1, VIEW_2)


def test_the_two_views_are_drawn_independently():
    view_1, view_2 = bk.TwoViews(24, view_2=VIEW_1)(IMAGES)
    assert np.abs(view_1 - view_2).max() > 0.1


def test_a_seed_in_the_call_decides_everything():
    first = bk.TwoViews(24, seed=1)(IMAGES, seed=SEED)
    assert_same(bk.TwoViews(24, seed=2)(IMAGES, seed=SEED), first)
    assert_same(bk.TwoViews(24)(IMAGES, seed=[1, 2]), first)
    assert differ(bk.TwoViews(24)(IMAGES, seed=[2, 2]), first)


def test_calls_without_a_seed_differ_and_can_be_repeated():
    layer, again = bk.TwoViews(24, seed=5), bk.TwoViews(24, seed=5)
    first, second = layer(IMAGES), layer(IMAGES)
    assert differ(first, second)
    assert_same(again(IMAGES), first)
    assert_same(again(IMAGES), second)


def test_set_random_seed_decides_for_a_layer_without_one():
    results = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        results.append(bk.TwoViews(24)(IMAGES))
    assert_same(*results)
    assert differ(bk.TwoViews(24)(IMAGES), results[0])


def test_views_are_the_same_eager_in_a_graph_in_a_model_and_in_tf_data():
    layer = bk.TwoViews(24)
    expected = layer(IMAGES, seed=SEED)
    assert_same(tf.function(lambda x: layer(x, seed=SEED))(IMAGES), expected, 1e-5)
    inputs = keras.Input((30, 40, 3), dtype="uint8")
    assert_same(keras.Model(inputs, layer(inputs, seed=SEED))(IMAGES), expected, 1e-5)
    dataset = tf.data.Dataset.from_tensors(IMAGES).map(lambda x: layer(x, seed=SEED))
    assert_same(next(iter(dataset)), expected, 1e-5)


def test_the_layers_own_seeds_are_the_same_eager_and_in_tf_data():
    layer = bk.TwoViews(24, seed=5)
    expected = [layer(IMAGES) for _ in range(3)]
    layer = bk.TwoViews(24, seed=5)
    dataset = tf.data.Dataset.from_tensors(IMAGES).repeat(3).map(layer)
    for views, others in zip(dataset, expected, strict=True):
        assert_same(views, others, 1e-5)


def test_a_seed_for_each_call_makes_a_parallel_map_repeatable():
    layer = bk.TwoViews(24)
    dataset = tf.data.Dataset.from_tensors(IMAGES).repeat(8).enumerate()
    dataset = dataset.map(lambda i, x: layer(x, seed=tf.stack([i, 0])), num_parallel_calls=4)
    for first, again in zip(dataset, dataset, strict=True):
        assert_same(first, again)


@pytest.mark.slow
def test_views_are_the_same_compiled_by_xla():
    layer = bk.TwoViews(32)
    compiled = tf.function(lambda x: layer(x, seed=SEED), jit_compile=True)
    assert_same(compiled(IMAGES), layer(IMAGES, seed=SEED), 1e-4)


def test_distort_finishes_crops_cut_elsewhere():
    crops = IMAGES[:, :24, :24]
    layer = bk.TwoViews(24, view_1=OFF, view_2={**OFF, "solarize": 1.0})
    view_1, view_2 = layer.distort(crops, crops[::-1], seed=SEED)
    unit = crops / np.float32(255)
    np.testing.assert_allclose(view_1, unit, atol=1e-6)
    np.testing.assert_allclose(view_2, np.where(unit < 0.5, unit, 1 - unit)[::-1], atol=1e-6)
    random = bk.TwoViews(24)
    assert_same(random.distort(crops, crops, seed=SEED), random.distort(crops, crops, seed=SEED))


def test_views_are_random_views_of_two_different_seeds():
    views = bk.TwoViews(24, view_2=VIEW_1)(IMAGES, seed=SEED)
    for view, seed in itertools.product(views, ([1, 2], [1, 3])):
        assert np.abs(view - random_view(IMAGES / np.float32(255), 24, VIEW_1, seed)).max() > 0.1


def test_saving_keeps_the_settings_and_the_place_in_the_sequence(tmp_path):
    layer = bk.TwoViews(24, view_2={**VIEW_2, "solarize": 0.7})
    inputs = keras.Input((30, 40, 3), dtype="uint8")
    model = keras.Model(inputs, layer(inputs))
    model(IMAGES)
    model.save(tmp_path / "views.keras")
    copy = keras.models.load_model(tmp_path / "views.keras")
    assert_same(copy(IMAGES), model(IMAGES))
    assert_same(copy(IMAGES, training=True), model(IMAGES, training=True))


def test_output_shape_is_known_without_running():
    assert bk.TwoViews(24).compute_output_shape((None, 30, 40, 1)) == ((None, 24, 24, 1),) * 2


@pytest.mark.parametrize("image_size", [0, -3, 24.0, None])
def test_impossible_image_sizes_are_refused(image_size):
    with pytest.raises(bk.InputError, match="image_size="):
        bk.TwoViews(image_size)


def test_a_layer_that_was_saved_without_quarter_turns_has_none():
    config = bk.TwoViews(24).get_config()
    for name in ("view_1", "view_2"):
        del config[name]["quarter_turn"]
    assert bk.TwoViews.from_config(config).get_config() == bk.TwoViews(24, name=config["name"]).get_config()


@pytest.mark.parametrize("name", ["view_1", "view_2"])
def test_misspelt_settings_are_named(name):
    wrong = {**VIEW_1, "posterize": 0.1}
    del wrong["solarize"]
    with pytest.raises(bk.InputError, match=f"`{name}`.*posterize, solarize"):
        bk.TwoViews(24, **{name: wrong})


@pytest.mark.parametrize("shape", [(30, 40, 3), (2, 30, 40), (2, 3, 30, 40), (2, 1, 30, 40)])
def test_only_batches_with_channels_last_are_taken(shape):
    with pytest.raises(bk.InputError, match="channels last"):
        bk.TwoViews(24)(np.zeros(shape, np.float32))


@pytest.mark.parametrize("channels", [2, 4])
def test_views_of_other_channels_are_those_of_each_channel(channels):
    # All that is left is done to each channel by itself, so each is as the view of a gray image.
    views = bk.TwoViews(12)
    images = np.random.default_rng(0).random((3, 20, 24, channels), np.float32)
    seed = tf.constant([0, 7])
    each = [views(images[..., [channel]], seed=seed) for channel in range(channels)]
    for whole, *gray in zip(views(images, seed=seed), *each, strict=True):
        assert whole.shape == (3, 12, 12, channels)
        np.testing.assert_allclose(whole, np.concatenate(gray, axis=-1), atol=1e-6)

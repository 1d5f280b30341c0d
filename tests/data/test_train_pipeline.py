"""Training batches from memory and from files: the right images, in the right order, with their labels."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment import VIEW_1, TwoViews
from byol_keras.data import from_arrays, open_source, train_pipeline
from byol_keras.data.batch_order import batch_indices
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.train_pipeline import labeled_batches, two_view_batches
from byol_keras.errors import InputError


def shades(images):
    """The strength of each image of one color, from 10 to 190."""
    return np.round(np.asarray(images).max(axis=-1).mean(axis=(1, 2)) * 255).astype(int)


def expected_shades(source):
    return shades(np.concatenate([*ordered_batches(source, 12, 4).as_numpy_iterator()]))


@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_every_epoch_has_every_image_once_in_an_order_of_its_own(kind, request):
    source = request.getfixturevalue(kind)
    batches = [*labeled_batches(source, 8, 5, 6, seed=1).as_numpy_iterator()]
    epochs = [np.concatenate([shades(images) for images, _ in batches[i : i + 2]]).tolist() for i in (0, 2, 4)]
    for epoch in epochs:
        assert sorted(epoch) == sorted(expected_shades(source).tolist())
    assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_labels_stay_with_their_images(kind, request):
    source = request.getfixturevalue(kind)
    label_of = dict(zip(expected_shades(source).tolist(), source.labels.tolist(), strict=True))
    for images, labels in labeled_batches(source, 8, 5, 4, seed=2).as_numpy_iterator():
        assert [label_of[shade] for shade in shades(images).tolist()] == labels.tolist()


@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_both_views_are_of_one_image_and_in_the_order_requested(kind, request):
    source = request.getfixturevalue(kind)
    plain = {**VIEW_1, "jitter": 0.0, "grayscale": 0.0, "blur": 0.0, "solarize": 0.0}
    views = TwoViews(8, view_1=plain, view_2=plain)
    (pair,) = next(iter(two_view_batches(source, views, len(source), 1, seed=0, shuffle=False)))
    for view in pair:
        np.testing.assert_array_equal(shades(view), expected_shades(source))


@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_resumed_in_the_middle_it_goes_on_with_the_same_batches(kind, request):
    source = request.getfixturevalue(kind)
    views = TwoViews(8)
    whole = two_view_batches(source, views, 4, 6, seed=3)
    later = two_view_batches(source, views, 4, 6, seed=3, first_step=4)
    assert len([*later]) == 2
    for (one,), (other,) in zip(itertools.islice(whole, 4, None), later, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.fixture
def pieces_of_two(monkeypatch):
    """Has views of 8 x 8 pixels made two images at a time; these take 1,536 bytes."""
    monkeypatch.setattr(train_pipeline, "PIECE_BYTES", 1600)


@pytest.mark.usefixtures("pieces_of_two")
@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_views_made_in_pieces_come_in_whole_batches_and_the_same_order(kind, request):
    source = request.getfixturevalue(kind)
    plain = {**VIEW_1, "jitter": 0.0, "grayscale": 0.0, "blur": 0.0, "solarize": 0.0}
    views = TwoViews(8, view_1=plain, view_2=plain)
    expected = [shades(images).tolist() for images, _ in labeled_batches(source, 8, 4, 5, seed=0)]
    batches = [*two_view_batches(source, views, 4, 5, seed=0)]
    assert [[shades(view).tolist() for view in pair] for (pair,) in batches] == [[batch] * 2 for batch in expected]


@pytest.mark.slow
@pytest.mark.usefixtures("pieces_of_two")
@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_every_piece_has_random_numbers_of_its_own_and_keeps_them(kind, request):
    source = request.getfixturevalue(kind).subset([3] * 4)
    # Of one color, so that only the jitter tells the views apart.
    always = {**VIEW_1, "jitter": 1.0, "grayscale": 0.0, "solarize": 0.0}
    views = TwoViews(8, view_1=always, view_2=always)
    whole = [*two_view_batches(source, views, 4, 3, seed=0)]
    (later,) = two_view_batches(source, views, 4, 3, seed=0, first_step=2)
    for one, other in zip(whole[2][0], later[0], strict=True):
        np.testing.assert_array_equal(one, other)
    made = np.concatenate([view for (pair,) in whole for view in pair])
    assert len(np.unique(made.reshape(24, -1), axis=0)) == 24


@pytest.mark.parametrize(
    ("kind", "images_in_a_piece", "files_per_call"),
    [
        ("files", 2, 16),
        ("arrays", 3, 2),
        *(pytest.param("files", *sizes, marks=pytest.mark.slow) for sizes in [(1, 16), (3, 2), (5, 2)]),
        *(pytest.param("arrays", *sizes, marks=pytest.mark.slow) for sizes in [(1, 16), (2, 16), (5, 2)]),
    ],
)
def test_the_size_of_pieces_and_calls_decides_nothing(kind, images_in_a_piece, files_per_call, request, monkeypatch):
    source = request.getfixturevalue(kind)
    whole = [*two_view_batches(source, TwoViews(8), 5, 3, seed=0)]
    monkeypatch.setattr(train_pipeline, "PIECE_BYTES", 1536 * images_in_a_piece)
    monkeypatch.setattr(train_pipeline, "FILES_PER_CALL", files_per_call)
    pieces = [*two_view_batches(source, TwoViews(8), 5, 3, seed=0)]
    assert len(pieces) == len(whole) == 3
    for (one,), (other,) in zip(whole, pieces, strict=True):
        for expected, actual in zip(one, other, strict=True):
            assert actual.shape == (5, 8, 8, 3)
            np.testing.assert_array_equal(actual, expected)


def test_a_part_of_a_batch_has_the_views_it_has_in_the_whole(arrays):
    views, seed = TwoViews(8), tf.constant([1, 2])
    whole = views(arrays.images, seed=seed)
    for start, end in ((0, 4), (4, 10)):
        part = views(arrays.images[start:end], seed=seed, part=(start, 10))
        for expected, actual in zip(whole, part, strict=True):
            np.testing.assert_array_equal(actual, expected[start:end])


def test_reading_files_says_nothing(files, capfd):
    many = files.subset([*range(len(files))] * 4)
    tf.constant(0) + 0
    capfd.readouterr()  # TensorFlow's greeting
    for batches in (labeled_batches(many, 8, 32, 2, seed=0), ordered_batches(many, 8, 32)):
        assert len([*batches]) > 1
    assert capfd.readouterr().err == ""


def test_another_seed_gives_other_batches(arrays):
    one, other = (next(iter(labeled_batches(arrays, 8, 5, 1, seed)))[0] for seed in (0, 1))
    assert shades(one).tolist() != shades(other).tolist()


def test_a_batch_larger_than_the_data_cannot_be_drawn(arrays):
    with pytest.raises(InputError, match="larger than the data, 10 images"):
        two_view_batches(arrays, TwoViews(8), 11, 1, seed=0)


@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_the_end_of_an_iteration_waits_for_no_autotuning(kind, request):
    source = request.getfixturevalue(kind)
    made = [
        two_view_batches(source, TwoViews(8), 4, 2, seed=0),
        labeled_batches(source, 8, 4, 2, seed=0),
        ordered_batches(source, 8),
    ]
    assert [batches.options().autotune.enabled for batches in made] == [False] * 3
    # Nor does it where somebody goes on from there.
    assert made[0].map(lambda views: views).prefetch(1).options().autotune.enabled is False


# Means of both views of three batches, as they have been since images in memory and in files draw their own crops.
FIXED = {
    "files": [(0.630106, 0.423348), (0.448548, 0.504885), (0.412288, 0.419935)],
    "arrays": [(0.519642, 0.419338), (0.387419, 0.354053), (0.29559, 0.324197)],
}


def test_a_seed_gives_the_batches_that_it_always_gave(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (10, 12, 12, 3), np.uint8)
    for i in range(10):
        place = tmp_path / "ab"[i % 2] / f"{i}.png"
        place.parent.mkdir(exist_ok=True)
        height, width = [(20, 14), (9, 13), (12, 12), (31, 40)][i % 4]
        Image.fromarray(np.resize(noise[i], (height, width, 3))).save(place)
    for kind, source in (("files", open_source(tmp_path)), ("arrays", from_arrays(noise))):
        indices = [batch_indices(source, 4, 3, step).tolist() for step in range(3)]
        assert indices == [[4, 0, 2, 9], [1, 3, 5, 8], [9, 3, 5, 1]]
        means = [[float(np.mean(view)) for view in pair] for (pair,) in two_view_batches(source, TwoViews(8), 4, 3, 3)]
        np.testing.assert_allclose(means, FIXED[kind], atol=2e-6)

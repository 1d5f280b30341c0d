import re

import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.evaluation.label_subsets import (
    default_subset_count,
    label_subsets,
    random_subset,
    stratified_subset,
    training_seeds,
)
from byol_keras.runs.results import results_name, share

LABELS = np.repeat([0, 1, 2], [100, 50, 10])


def test_every_class_keeps_its_share():
    chosen = stratified_subset(LABELS, 0.1, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [10, 5, 1]
    assert (np.diff(chosen) > 0).all()


def test_a_small_class_keeps_one():
    assert np.bincount(LABELS[stratified_subset(LABELS, 0.02, seed=0)]).tolist() == [2, 1, 1]


def test_the_seed_decides():
    np.testing.assert_array_equal(stratified_subset(LABELS, 0.1, 3), stratified_subset(LABELS, 0.1, 3))
    assert not np.array_equal(stratified_subset(LABELS, 0.1, 3), stratified_subset(LABELS, 0.1, 4))
    # Every image has the same chance: over many subsets each is taken a tenth of the time.
    taken = np.zeros(len(LABELS))
    for seed in range(400):
        taken[stratified_subset(LABELS, 0.1, seed)] += 1
    assert np.abs(taken / 400 - 0.1).max() < 0.06  # four std of a share of 400


def test_all_labels_are_all():
    np.testing.assert_array_equal(stratified_subset(LABELS, 1.0, 5), np.arange(160))


def test_subsets_have_seeds_in_a_row():
    for i, subset in enumerate(label_subsets(LABELS, 0.1, 3, seed=7)):
        np.testing.assert_array_equal(subset, stratified_subset(LABELS, 0.1, 7 + i))
    (everything,) = label_subsets(LABELS, 1, 1, seed=0)
    assert len(everything) == 160


@pytest.mark.parametrize(
    ("fraction", "subsets", "seed", "said"),
    [
        (0, 1, 0, "above 0 and at most 1"),
        (1.5, 1, 0, "above 0 and at most 1"),
        (float("nan"), 1, 0, "above 0 and at most 1"),
        (0.01, 1, 0, "less than one for each of 3 classes: give at least 0.019"),
        (0.5, 0, 0, "subsets must be a whole number from 1. Received: subsets=0"),
        (0.5, 1, -1, "`seed` must be a whole number from 0 to 4294967295"),
        (0.5, 3, 2**32 - 2, "`seed` must be a whole number from 0 to 4294967293"),
        (1.0, 2, 0, "All labels are one subset"),
    ],
)
def test_numbers_out_of_range(fraction, subsets, seed, said):
    with pytest.raises(InputError, match=said):
        label_subsets(LABELS, fraction, subsets, seed)


@pytest.mark.parametrize(
    ("classes", "count", "fraction", "advised"),
    [(196, 8144, 0.01, 0.025), (101, 101 * 750, 0.001, 0.0014), (10, 1000, 0.001, 0.01), (7, 7, 0.5, 1)],
)
def test_the_advised_share_is_enough(classes, count, fraction, advised):
    labels = np.arange(count) % classes
    with pytest.raises(InputError) as error:
        stratified_subset(labels, fraction, seed=0)
    assert float(re.search(r"give at least (\S+)\. ", str(error.value))[1]) == advised
    assert len(np.unique(labels[stratified_subset(labels, advised, seed=0)])) == classes


def test_words_and_the_usual_number_of_subsets():
    assert [share(f) for f in (0.01, 0.1, 0.005, 1.0)] == [
        "1 % of the labels",
        "10 % of the labels",
        "0.5 % of the labels",
        "all labels",
    ]
    assert (default_subset_count(0.1), default_subset_count(1.0)) == (3, 1)
    assert [results_name("finetune", f) for f in (0.01, 0.005, 1)] == [
        "finetune-1pct",
        "finetune-0-5pct",
        "finetune",
    ]


def test_a_share_without_classes():
    assert len(random_subset(367, 0.1, 0)) == 37
    assert len(random_subset(4, 0.01, 0)) == 1
    assert len(set(random_subset(367, 0.5, 1))) == 184
    assert (random_subset(367, 0.1, 0) != random_subset(367, 0.1, 1)).any()
    np.testing.assert_array_equal(random_subset(5, 1, 3), range(5))
    for fraction in (0, 1.5, -1, float("nan")):
        with pytest.raises(InputError, match="label_fraction must be above 0"):
            random_subset(5, fraction, 0)


def test_runs_of_other_seeds_have_other_seeds_for_their_trainings():
    seeds = [seed for run in range(4) for seed in training_seeds(run, 3)]
    assert seeds == list(range(12))

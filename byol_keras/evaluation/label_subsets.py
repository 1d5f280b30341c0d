"""Few labels: which images keep theirs."""

import math

import numpy as np

from ..errors import InputError
from ..utils.seeds import check_seed


def label_subsets(labels: np.ndarray, label_fraction: float, subsets: int, seed: int) -> list[np.ndarray]:
    """Several random subsets of labeled images, see `stratified_subset`; subset i has the seed `seed` + i.

    Args:
        labels: (N,) int.
        label_fraction: float in (0, 1].
        subsets: int from 1, how many.
        seed: int from 0.

    Returns:
        list of `subsets` arrays (n,) int.

    Raises:
        InputError: for a number that is out of range, and for several subsets of all labels, which would be the same.

    Example:
        subsets = bk.evaluation.label_subsets(source.labels, label_fraction=0.1, subsets=3, seed=0)
    """
    if not isinstance(subsets, int) or subsets < 1:
        raise InputError(f"subsets must be a whole number from 1. Received: subsets={subsets!r}")
    check_seed(seed, subsets - 1)
    chosen = [stratified_subset(labels, label_fraction, seed + i) for i in range(subsets)]
    if subsets > 1 and label_fraction == 1:
        raise InputError(
            "All labels are one subset: ask for one, or give a label_fraction below 1. "
            f"Received: subsets={subsets}, label_fraction={label_fraction}"
        )
    return chosen


def stratified_subset(labels: np.ndarray, label_fraction: float, seed: int) -> np.ndarray:
    """Indices of a random share of the images, the same share of each class, at least one.

    Args:
        labels: (N,) int.
        label_fraction: float in (0, 1].
        seed: int from 0.

    Returns:
        (n,) int, sorted.

    Raises:
        InputError: for another fraction, or one that leaves fewer images than there are classes.

    Example:
        few = source.subset(bk.evaluation.stratified_subset(source.labels, 0.01, seed=0))
    """
    _check_fraction(label_fraction)
    classes = np.unique(labels)
    if round(label_fraction * len(labels)) < len(classes):
        raise InputError(
            f"{label_fraction:g} of {len(labels):,} labels is less than one for each of {len(classes)} classes: "
            f"give at least {_at_least(len(classes) / len(labels))}. Received: label_fraction={label_fraction:g}"
        )
    generator = np.random.default_rng(seed)
    chosen = []
    for label in classes:
        members = generator.permutation(np.flatnonzero(labels == label))
        chosen.append(members[: max(1, round(label_fraction * len(members)))])
    return np.sort(np.concatenate(chosen))


def random_subset(count: int, label_fraction: float, seed: int) -> np.ndarray:
    """Indices of a random share of `count` images without classes of their own, at least one.

    Args:
        count: int.
        label_fraction: float in (0, 1].
        seed: int from 0.

    Returns:
        (n,) int, sorted.

    Raises:
        InputError: for another fraction.

    Example:
        few = source.subset(bk.evaluation.random_subset(len(source), label_fraction=0.1, seed=0))
    """
    _check_fraction(label_fraction)
    return np.sort(np.random.default_rng(seed).permutation(count)[: max(1, round(label_fraction * count))])


def training_seeds(seed: int, count: int) -> list[int]:
    """Seeds for `count` trainings on a run of the seed `seed`; runs of other seeds have others.

    So trainings from scratch and label subsets are independent when the results of several runs are taken together.

    Args:
        seed: of the run.
        count: from 1.

    Returns:
        `count` seeds.

    Raises:
        InputError: for a count below 1.
    """
    if count < 1:
        raise InputError(f"seeds must be a whole number from 1. Received: seeds={count}")
    return [(seed * count + i) % 2**32 for i in range(count)]


def default_subset_count(label_fraction: float) -> int:
    """How many subsets show the std of a score: 3 of a share of the labels, 1 of all, which are one subset only."""
    return 1 if label_fraction == 1 else 3


def _at_least(fraction):
    """A fraction with two digits, rounded up, so that it is enough."""
    digits = 1 - math.floor(math.log10(fraction))
    return f"{math.ceil(fraction * 10**digits) / 10**digits:g}"


def _check_fraction(label_fraction):
    if not 0 < label_fraction <= 1:
        raise InputError(f"label_fraction must be above 0 and at most 1. Received: label_fraction={label_fraction}")

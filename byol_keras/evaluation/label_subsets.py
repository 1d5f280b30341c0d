"""Few labels: which images keep theirs."""

import numpy as np

from ..errors import InputError


def label_subsets(labels, fraction, draws, seed):
    """Several random shares of the images, see `stratified`; draw i has the seed `seed` + i.

    Args:
        labels: (N,) int.
        fraction: float in (0, 1].
        draws: int from 1.
        seed: int from 0.

    Returns:
        list of `draws` arrays (n,) int.

    Raises:
        InputError: for a number that is out of range, and for several draws of all labels, which would be the same.
    """
    if not isinstance(draws, int) or draws < 1:
        raise InputError(f"--draws must be a whole number from 1. Received: draws={draws!r}")
    if seed < 0:
        raise InputError(f"--seed must be a whole number from 0. Received: seed={seed}")
    chosen = [stratified(labels, fraction, seed + i) for i in range(draws)]
    if draws > 1 and fraction == 1:
        raise InputError("All labels can be drawn in one way only: leave out --draws, or give a --label-fraction.")
    return chosen


def stratified(labels, fraction, seed):
    """Indices of a random share of the images, the same share of each class, at least one.

    Args:
        labels: (N,) int.
        fraction: float in (0, 1].
        seed: int from 0.

    Returns:
        (n,) int, sorted.

    Raises:
        InputError: for another fraction, or one that leaves fewer images than there are classes.
    """
    _check_fraction(fraction)
    classes = np.unique(labels)
    if round(fraction * len(labels)) < len(classes):
        raise InputError(
            f"A share of {fraction:g} of {len(labels):,} labels is less than one for each of {len(classes)} classes: "
            f"give at least {len(classes) / len(labels):.2g}."
        )
    generator = np.random.default_rng(seed)
    chosen = []
    for label in classes:
        members = generator.permutation(np.flatnonzero(labels == label))
        chosen.append(members[: max(1, round(fraction * len(members)))])
    return np.sort(np.concatenate(chosen))


def random_share(count, fraction, seed):
    """Indices of a random share of `count` images without classes of their own, at least one.

    Args:
        count: int.
        fraction: float in (0, 1].
        seed: int from 0.

    Returns:
        (n,) int, sorted.

    Raises:
        InputError: for another fraction.
    """
    _check_fraction(fraction)
    return np.sort(np.random.default_rng(seed).permutation(count)[: max(1, round(fraction * count))])


def _check_fraction(fraction):
    if not 0 < fraction <= 1:
        raise InputError(f"--label-fraction must be above 0 and at most 1. Received: {fraction}")


def seeds_of_a_run(seed, count):
    """Seeds for `count` trainings on a run of the seed `seed`, a list of int; runs of other seeds have others.

    So trainings from scratch and shares of labels are independent when the results of several runs are taken together.
    """
    return [(seed * count + i) % 2**32 for i in range(count)]


def default_subset_count(fraction):
    """How many draws show the spread: 3 of a share of the labels, 1 of all, which can be drawn in one way only."""
    return 1 if fraction == 1 else 3

"""Which images are asked about, on points in the plane where it can be said by hand."""

import sys

import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.labeling.selection import TYPICAL, next_images, typical_images, uncertain_images


@pytest.fixture
def groups():
    """Groups of 9, 7 and 5 points around (0, 0), (10, 0) and (0, 10): the first of each lies in the middle."""
    ring = np.array([(np.cos(a), np.sin(a)) for a in 2 * np.pi * np.arange(8) / 8])
    counts_and_centers = ((8, (0, 0)), (6, (10, 0)), (4, (0, 10)))
    # Opposite pairs of the ring, so that the mean of a group is its first point.
    pairs = ring[[0, 4, 1, 5, 2, 6, 3, 7]]
    points = [center + np.vstack([[0, 0], pairs[:count]]) for count, center in counts_and_centers]
    return np.vstack(points).astype(np.float32)


def test_typical_takes_the_middle_of_the_largest_groups(groups):
    assert len(groups) == 9 + 7 + 5
    assert typical_images(groups, [], 3).tolist() == [0, 9, 16]


def test_typical_takes_groups_without_an_answer_first(groups):
    # One answer in the first group and two questions: three clusters, of which the first is known already.
    assert typical_images(groups, [3], 2).tolist() == [9, 16]


def test_typical_never_asks_twice_and_ends_with_what_is_left(groups):
    answered = []
    while len(answered) < len(groups):
        chosen = typical_images(groups, answered, 4).tolist()
        assert not set(chosen) & set(answered)
        assert len(chosen) == min(4, len(groups) - len(answered))
        answered += chosen
    assert typical_images(groups, answered, 4).tolist() == []


def test_images_that_are_all_alike_can_be_chosen_from():
    assert len(set(typical_images(np.ones((20, 3)), [1, 2], 5).tolist()) - {1, 2}) == 5


def test_centers_from_a_sample(groups, monkeypatch):
    monkeypatch.setattr("byol_keras.tasks.labeling.selection.MAX_CLUSTERED", 15)
    chosen = typical_images(groups, [], 3)
    # The middle of each group, or next to it.
    assert np.linalg.norm(groups[chosen] - [[0, 0], [10, 0], [0, 10]], axis=1).max() <= 1.01


def test_more_clusters_than_there_may_be(groups, monkeypatch):
    monkeypatch.setattr("byol_keras.tasks.labeling.selection.MAX_CLUSTERS", 3)
    # The middles are answered, so each group gives its next point, the largest group first, then another round.
    chosen = typical_images(groups, [0, 9, 16], 4)
    assert [int(np.searchsorted([9, 16], i, side="right")) for i in chosen] == [0, 1, 2, 0]


def test_uncertain_takes_the_smallest_margin_and_not_the_largest_entropy():
    # Margins 0.85, 0.1, 0.3 and 0.02; the entropy of the third is the largest.
    scores = np.array([[0.9, 0.05, 0.05], [0.55, 0.45, 0.0], [0.54, 0.24, 0.22], [0.51, 0.49, 0.0]])
    assert uncertain_images([], scores, 3).tolist() == [3, 1, 2]
    assert uncertain_images([3, 2], scores, 9).tolist() == [1, 0]
    assert uncertain_images([0, 1, 2, 3], scores, 2).tolist() == []


def test_the_choice_turns_from_typical_to_doubtful():
    generator = np.random.default_rng(1)
    embeddings = generator.normal(size=(300, 4))
    scores = generator.dirichlet(np.ones(3), 300)
    early, late = list(range(TYPICAL - 1)), list(range(TYPICAL))

    def chosen(answered, scores):
        return next_images(embeddings, answered, scores, 5).tolist()

    assert chosen(early, scores) == typical_images(embeddings, early, 5).tolist()
    assert chosen(late, scores) == uncertain_images(late, scores, 5).tolist()
    # Without a head there is nothing to be in doubt about.
    assert chosen(late, None) == typical_images(embeddings, late, 5).tolist()


def test_without_scikit_learn_the_error_names_it(groups, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as if it were not installed
    with pytest.raises(InputError, match="scikit-learn"):
        typical_images(groups, [], 3)

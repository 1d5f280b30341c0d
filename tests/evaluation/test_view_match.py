import numpy as np
import pytest

from byol_keras.evaluation.view_match import view_match


def test_counts_those_whose_own_view_is_the_nearest():
    first = np.array([[1, 0], [0, 1], [1, 1], [-1, 0]], np.float32)
    # The third finds the first's, the fourth its own, whatever their lengths.
    second = np.array([[5, 1], [0, 2], [1, -1], [-3, 1]], np.float32)
    assert view_match(first, second) == 0.75


@pytest.mark.parametrize("count", [2, 7])
def test_embeddings_that_are_all_one_find_nothing(count):
    vectors = np.ones((count, 3), np.float32)
    assert view_match(vectors, vectors) == 0.0


def test_as_one_by_one():
    generator = np.random.default_rng(0)
    first = generator.normal(size=(50, 4))
    second = first + 0.3 * generator.normal(size=(50, 4))
    found = 0
    for i, vector in enumerate(first):
        cosines = [vector @ other / np.linalg.norm(vector) / np.linalg.norm(other) for other in second]
        found += int(np.argmax(cosines) == i)
    assert 0.2 < found / 50 < 0.8
    assert view_match(first, second) == found / 50

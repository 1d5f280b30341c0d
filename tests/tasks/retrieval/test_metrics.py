import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from byol_keras.errors import InputError
from byol_keras.evaluation import neighbors
from byol_keras.tasks.retrieval.metrics import ranking_precision, retrieval_leave_one_out, retrieval_scores


def on_a_circle(*degrees):
    """Vectors at some angles: the nearer the angles, the nearer the vectors."""
    radians = np.deg2rad(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def test_average_precision_by_hand():
    # Relevant at ranks 1, 3 and 4 of 5: (1/1 + 2/3 + 3/4) / 3.
    similarity = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    relevant = np.array([True, False, True, True, False])
    assert ranking_precision(similarity, relevant) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_average_precision_of_equal_similarities_is_the_share_of_relevant_ones():
    # What a collapsed encoder gives: no order of the images may look like a good one.
    assert ranking_precision(np.full(8, 0.3), np.arange(8) < 2) == 0.25
    assert ranking_precision(np.full(8, 0.3), np.arange(8) >= 6) == 0.25


@pytest.mark.parametrize("digits", [1, 6])
def test_average_precision_is_scikit_learns(digits):
    generator = np.random.default_rng(digits)
    for _ in range(20):
        similarity = generator.normal(size=60).round(digits).astype(np.float32)
        relevant = generator.random(60) < 0.2
        relevant[0] = True
        expected = average_precision_score(relevant, similarity)
        assert ranking_precision(similarity, relevant) == pytest.approx(expected, abs=1e-12)


def test_queries_against_an_index_by_hand():
    index, labels = on_a_circle(0, 10, 20, 30, 40), [0, 1, 0, 1, 1]
    # From -5 the order is 0, 10, 20, 30, 40; from 45 it is the other way round.
    found = retrieval_scores(index, labels, on_a_circle(-5, 45), [1, 0], recall_at=(1, 2, 3))
    # The first finds its class at ranks 2, 4 and 5, the second at 3 and 5.
    assert found.recall == {1: 0.0, 2: 0.5, 3: 1.0}
    assert found.mean_average_precision == pytest.approx(((1 / 2 + 2 / 4 + 3 / 5) / 3 + (1 / 3 + 2 / 5) / 2) / 2)
    assert found.queries == 2


def test_leave_one_out_by_hand():
    vectors, labels = on_a_circle(0, 10, 25, 45), [0, 0, 1, 1]
    found = retrieval_leave_one_out(vectors, labels, recall_at=(1, 2))
    # 0: 10 first. 10: 0 first. 25: 10 at 15 degrees, then 45 at 20. 45: 25 first.
    assert found.recall == {1: 0.75, 2: 1.0}
    assert found.mean_average_precision == pytest.approx((1 + 1 + 1 / 2 + 1) / 4)


def test_a_query_without_its_class_is_not_counted():
    index = on_a_circle(0, 10, 20)
    assert retrieval_scores(index, [0, 0, 1], on_a_circle(1, 2), [0, 7], recall_at=(1,)).queries == 1
    # Of four images the last is alone in its class.
    assert retrieval_leave_one_out(on_a_circle(0, 10, 25, 45), [0, 0, 0, 1], recall_at=(1,)).queries == 3
    with pytest.raises(InputError, match="nothing can be found"):
        retrieval_scores(index, [0, 0, 1], on_a_circle(1), [7], recall_at=(1,))


@pytest.mark.parametrize("block_bytes", [1, 4 * 40 * 3, 1 << 20])
def test_blocks_do_not_matter(block_bytes, monkeypatch):
    monkeypatch.setattr(neighbors, "BLOCK_BYTES", block_bytes)
    generator = np.random.default_rng(3)
    vectors, labels = generator.normal(size=(40, 4)), generator.integers(0, 5, 40)
    found = retrieval_leave_one_out(vectors, labels, recall_at=(1, 5))
    normalized = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    precisions, first = [], []
    for i in range(40):
        others = np.arange(40) != i
        similarity, relevant = normalized[others] @ normalized[i], labels[others] == labels[i]
        precisions.append(average_precision_score(relevant, similarity))
        first.append(relevant[np.argmax(similarity)])
    assert found.mean_average_precision == pytest.approx(np.mean(precisions), abs=1e-6)
    assert found.recall[1] == pytest.approx(np.mean(first))


def test_more_neighbors_than_images():
    with pytest.raises(InputError, match=r"Recall at 10 needs as many images to find\. Received: 3 images"):
        retrieval_scores(on_a_circle(0, 1, 2), [0, 0, 1], on_a_circle(1), [0])
    with pytest.raises(InputError, match=r"Recall at 3 needs as many images to find\. Received: 2 images"):
        retrieval_leave_one_out(on_a_circle(0, 1, 2), [0, 0, 1], recall_at=(3,))

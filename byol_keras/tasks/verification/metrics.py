"""Do two images show the same? Similarities of pairs, evaluated as on Labeled Faces in the Wild (LFW)."""

import numpy as np

from ...utils.extras import require_extra

# Share of the variance's mean that is mixed into the covariance; scikit-learn's default.
SHRINKAGE = 0.1


def whitening(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What makes vectors comparable by cosine: each direction counts alike, however much of it all images share.

    Args:
        vectors: (N, D) float embeddings of images that are in none of the pairs, N at least 2. No labels are needed.

    Returns:
        mean (D,) and matrix (D, D), float64: `(vectors - mean) @ matrix` has about the identity as its covariance,
        apart from SHRINKAGE.

    Raises:
        InputError: where scikit-learn is not installed.

    Example:
        mean, matrix = bk.tasks.whitening(bk.evaluation.embed(encoder, training_images))
        scores = bk.tasks.pair_similarities((vectors - mean) @ matrix, places)
    """
    require_extra("Whitening", "sklearn")
    from sklearn.covariance import ShrunkCovariance

    vectors = np.asarray(vectors, np.float64)
    mean = vectors.mean(axis=0)
    if not np.ptp(vectors, axis=0).any():
        # A collapsed encoder gives one vector for all: nothing to make alike.
        return mean, np.eye(len(mean))
    return mean, np.linalg.cholesky(ShrunkCovariance(shrinkage=SHRINKAGE).fit(vectors).precision_)


def pair_similarities(vectors: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Cosine similarity of each pair.

    Args:
        vectors: (M, D) float.
        places: (N, 2) int, indices into `vectors`.

    Returns:
        (N,) float64, from -1 to 1.

    Example:
        scores = bk.tasks.pair_similarities(vectors, bk.tasks.locate_pairs(pairs, source.names, "lfw"))
    """
    vectors = np.asarray(vectors, np.float64)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.sum(vectors[places[:, 0]] * vectors[places[:, 1]], axis=1)


def best_threshold(scores: np.ndarray, same: np.ndarray) -> float:
    """The similarity from which on pairs are best taken for the same: that of the highest accuracy on these pairs.

    Args:
        scores: (N,) float.
        same: (N,) bool, both kinds among them.

    Returns:
        float, one of the scores, the highest of equally good ones; or inf, to accept none.

    Raises:
        InputError: where scikit-learn is not installed.
    """
    require_extra("The best threshold", "sklearn")
    from sklearn.metrics import roc_curve

    false_accepts, true_accepts, thresholds = roc_curve(same, scores)
    right = true_accepts * np.sum(same) + (1 - false_accepts) * np.sum(~same)
    return float(thresholds[np.argmax(right)])


def fold_accuracies(scores: np.ndarray, same: np.ndarray, folds: np.ndarray) -> list[float]:
    """Accuracy in each fold, by the threshold that is best in the other folds together.

    Args:
        scores: (N,) float.
        same: (N,) bool.
        folds: (N,) int, two folds or more.

    Returns:
        list of float from 0 to 1, in the order of the folds' numbers.

    Raises:
        InputError: where scikit-learn is not installed.

    Example:
        accuracy = np.mean(bk.tasks.fold_accuracies(scores, pairs.same, pairs.folds))
    """
    accuracies = []
    for fold in np.unique(folds):
        test = folds == fold
        threshold = best_threshold(scores[~test], same[~test])
        accuracies.append(float(np.mean((scores[test] >= threshold) == same[test])))
    return accuracies


def roc_auc(scores: np.ndarray, same: np.ndarray) -> float:
    """Area under the ROC curve: how often a pair of the same is more similar than a pair of two.

    Args:
        scores: (N,) float.
        same: (N,) bool, both kinds among them.

    Returns:
        float, from 0 to 1.

    Raises:
        InputError: where scikit-learn is not installed.

    Example:
        area = bk.tasks.roc_auc(scores, pairs.same)
    """
    require_extra("The area under the ROC curve", "sklearn")
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(same, scores))


def true_accept_rate(scores: np.ndarray, same: np.ndarray, false_accepts: float = 0.01) -> float:
    """Share of the pairs of the same that pass, where at most `false_accepts` of the others do.

    Args:
        scores: (N,) float.
        same: (N,) bool.
        false_accepts: float from 0 to 1.

    Returns:
        float, from 0 to 1.

    Raises:
        InputError: where scikit-learn is not installed.

    Example:
        rate = bk.tasks.true_accept_rate(scores, pairs.same, false_accepts=0.01)
    """
    require_extra("The true accept rate", "sklearn")
    from sklearn.metrics import roc_curve

    false_rates, true_rates, _ = roc_curve(same, scores, drop_intermediate=False)
    return float(np.max(true_rates[false_rates <= false_accepts]))

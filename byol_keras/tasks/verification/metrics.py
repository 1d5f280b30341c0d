"""Do two images show the same? Similarities of pairs, judged as on Labeled Faces in the Wild (LFW)."""

import numpy as np

# Share of the variance's mean that is mixed into the covariance; scikit-learn's default.
SHRINKAGE = 0.1


def whitening(vectors):
    """What makes vectors comparable by cosine: each direction counts alike, however much of it all images share.

    Args:
        vectors: (N, D) float embeddings of images that are in none of the pairs, N at least 2. No labels are needed.

    Returns:
        mean (D,) and matrix (D, D), float64: `(vectors - mean) @ matrix` has about the identity as its covariance,
        apart from SHRINKAGE.
    """
    from sklearn.covariance import ShrunkCovariance

    vectors = np.asarray(vectors, np.float64)
    mean = vectors.mean(axis=0)
    if not np.ptp(vectors, axis=0).any():
        # A collapsed encoder gives one vector for all: nothing to make alike.
        return mean, np.eye(len(mean))
    return mean, np.linalg.cholesky(ShrunkCovariance(shrinkage=SHRINKAGE).fit(vectors).precision_)


def similarities(vectors, places):
    """Cosine similarity of each pair.

    Args:
        vectors: (M, D) float.
        places: (N, 2) int, indices into `vectors`.

    Returns:
        (N,) float64, from -1 to 1.
    """
    vectors = np.asarray(vectors, np.float64)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.sum(vectors[places[:, 0]] * vectors[places[:, 1]], axis=1)


def best_threshold(scores, same):
    """The similarity from which on pairs are best taken for the same: that of the highest accuracy on these pairs.

    Args:
        scores: (N,) float.
        same: (N,) bool, both kinds among them.

    Returns:
        float, one of the scores, the highest of equally good ones; or inf, to accept none.
    """
    from sklearn.metrics import roc_curve

    false_accepts, true_accepts, thresholds = roc_curve(same, scores)
    right = true_accepts * np.sum(same) + (1 - false_accepts) * np.sum(~same)
    return float(thresholds[np.argmax(right)])


def fold_accuracies(scores, same, folds):
    """Accuracy in each fold, by the threshold that is best in the other folds together.

    Args:
        scores: (N,) float.
        same: (N,) bool.
        folds: (N,) int, two folds or more.

    Returns:
        list of float from 0 to 1, in the order of the folds' numbers.
    """
    accuracies = []
    for fold in np.unique(folds):
        test = folds == fold
        threshold = best_threshold(scores[~test], same[~test])
        accuracies.append(float(np.mean((scores[test] >= threshold) == same[test])))
    return accuracies


def roc_auc(scores, same):
    """Area under the ROC curve: how often a pair of the same is more similar than a pair of two. float, 0 to 1."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(same, scores))


def true_accept_rate(scores, same, false_accepts=0.01):
    """Share of the pairs of the same that pass, where at most `false_accepts` of the others do.

    Args:
        scores: (N,) float.
        same: (N,) bool.
        false_accepts: float from 0 to 1.

    Returns:
        float, from 0 to 1.
    """
    from sklearn.metrics import roc_curve

    false_rates, true_rates, _ = roc_curve(same, scores, drop_intermediate=False)
    return float(np.max(true_rates[false_rates <= false_accepts]))

"""How good an encoder is: frozen embeddings, evaluated by their neighbors and by a linear probe."""

from .confusion import balanced_accuracy, confusion_matrix, recalls
from .embed import embed
from .knn import knn_accuracy, knn_leave_one_out
from .label_subsets import label_subsets, random_subset, stratified_subset
from .lidar import lidar
from .linear import linear_accuracy, linear_accuracy_sgd
from .linear_head import LinearHead, cross_validate, probabilities
from .neighbors import l2_normalize_rows, nearest
from .view_match import view_match

__all__ = [
    "LinearHead",
    "balanced_accuracy",
    "confusion_matrix",
    "cross_validate",
    "embed",
    "knn_accuracy",
    "knn_leave_one_out",
    "l2_normalize_rows",
    "label_subsets",
    "lidar",
    "linear_accuracy",
    "linear_accuracy_sgd",
    "nearest",
    "probabilities",
    "random_subset",
    "recalls",
    "stratified_subset",
    "view_match",
]

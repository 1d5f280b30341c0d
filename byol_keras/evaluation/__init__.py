"""How good an encoder is: frozen embeddings, judged by their neighbors and by a linear probe."""

from .embed import embed
from .knn import knn_accuracy, knn_leave_one_out
from .linear import linear_accuracy, linear_accuracy_sgd
from .linear_head import LinearHead
from .neighbors import l2_normalize_rows, nearest

__all__ = [
    "LinearHead",
    "embed",
    "knn_accuracy",
    "knn_leave_one_out",
    "l2_normalize_rows",
    "linear_accuracy",
    "linear_accuracy_sgd",
    "nearest",
]

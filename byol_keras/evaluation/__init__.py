"""How good an encoder is: frozen embeddings, judged by their neighbours and by a linear probe."""

from .embed import embed
from .knn import knn_accuracy, knn_leave_one_out
from .linear import linear_accuracy, linear_accuracy_sgd
from .linear_head import LinearHead
from .neighbors import nearest, unit

__all__ = [
    "LinearHead",
    "embed",
    "knn_accuracy",
    "knn_leave_one_out",
    "linear_accuracy",
    "linear_accuracy_sgd",
    "nearest",
    "unit",
]

"""How good an encoder is: frozen embeddings, judged by their neighbours and by a linear probe."""

from .embedding import embed
from .knn import knn_accuracy, knn_leave_one_out, nearest
from .linear import linear_accuracy, linear_accuracy_sgd

__all__ = ["embed", "knn_accuracy", "knn_leave_one_out", "linear_accuracy", "linear_accuracy_sgd", "nearest"]

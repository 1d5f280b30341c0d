"""How good an encoder is: frozen embeddings, judged by their neighbours, by a linear probe, and by what they find."""

from .embedding import embed
from .knn import knn_accuracy, knn_leave_one_out
from .linear import linear_accuracy, linear_accuracy_sgd
from .neighbours import nearest, unit
from .retrieval import Retrieval, average_precision, retrieval_leave_one_out, retrieval_scores

__all__ = [
    "Retrieval",
    "average_precision",
    "embed",
    "knn_accuracy",
    "knn_leave_one_out",
    "linear_accuracy",
    "linear_accuracy_sgd",
    "nearest",
    "retrieval_leave_one_out",
    "retrieval_scores",
    "unit",
]

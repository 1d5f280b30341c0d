"""Few labels in practice: which pictures to label next, the answers kept, a linear head trained on them.

The choice, the head and the file of labels stand alone; `server` puts a page before them.
"""

from .choice import central, next_pictures, uncertain
from .head import cross_validate, fit_head, probabilities
from .labelling import Labelling
from .labels_file import LabelsFile
from .result import write_result

__all__ = [
    "Labelling",
    "LabelsFile",
    "central",
    "cross_validate",
    "fit_head",
    "next_pictures",
    "probabilities",
    "uncertain",
    "write_result",
]

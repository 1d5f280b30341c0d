"""Few labels in practice: which pictures to label next, the answers kept, a linear head trained on them.

The choice, the head and the file of labels stand alone; `server` puts a page before them.
"""

from .head import cross_validate, fit_head, probabilities
from .labels_file import LabelsFile
from .predictions import write_result
from .selection import central, next_pictures, uncertain
from .session import Labelling

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

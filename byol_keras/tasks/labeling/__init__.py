"""Few labels in practice: which images to label next, the answers kept, a linear head trained on them.

The choice, the head and the file of labels stand alone; `server` puts a page before them.
"""

from .head import cross_validate, fit_head, probabilities
from .labels_file import LabelsFile
from .predictions import write_result
from .selection import central, next_images, uncertain
from .session import LabelingSession

__all__ = [
    "LabelingSession",
    "LabelsFile",
    "central",
    "cross_validate",
    "fit_head",
    "next_images",
    "probabilities",
    "uncertain",
    "write_result",
]

"""Few labels in practice: which images to label next, the answers kept, a linear head trained on them.

The choice, the head and the file of labels stand alone; `server` puts a page before them.
"""

from .labels_file import LabelsFile
from .predictions import write_result
from .selection import central, next_images, uncertain
from .session import LabelingSession

__all__ = [
    "LabelingSession",
    "LabelsFile",
    "central",
    "next_images",
    "uncertain",
    "write_result",
]

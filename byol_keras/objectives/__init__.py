"""Objectives that other texts give under the name of BYOL, to put in the place of its loss or beside it.

`squared_distance` and `NTXent` are for `BYOL(loss=...)`, the terms are layers for `BYOL(extra_losses=[...])`. A model
with any of them is no longer the paper's method; docs/objectives.md has the formulas.
"""

from .center import CenterTerm
from .critic import CriticTerm
from .reconstruction import ReconstructionTerm, convolutional_decoder
from .view_losses import NTXent, squared_distance

__all__ = [
    "CenterTerm",
    "CriticTerm",
    "NTXent",
    "ReconstructionTerm",
    "convolutional_decoder",
    "squared_distance",
]

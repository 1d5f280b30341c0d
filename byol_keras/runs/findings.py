"""What limits a run, from what was measured of it, in words."""

import dataclasses
import math
from collections.abc import Sequence

from ..callbacks.collapse_monitor import LEAST_STD
from ..callbacks.input_check import STARVING
from ..models.step_metrics import RANK_ROWS
from .recipe import Recipe

# FEW_UPDATES is what three quarters of the accuracy of `short` needed on CIFAR-10, COPIES a choice. The others lie
# between runs with the fault and without it: benchmarks/RESULTS.md, "Runs that fail".
FEW_UPDATES = 1500
LOST_SHARE = 0.5
LEAST_PROJECTION_SHARE = 0.13  # of the images that the rank is taken of
COPIES = 0.1
EASY_MATCH = 0.9
HARD_MATCH = 0.02
COLOR_LEAD = 0.03


@dataclasses.dataclass(frozen=True)
class Measured:
    """What is known of a run, or of images alone, where what needs training is None.

    Attributes:
        images: int, how many are trained on.
        updates: int, of the whole run.
        copies: share of the images looked at that have a near copy among them.
        match, untrained_match: shares of images whose two views find each other, see `evaluation.view_match`.
        color, untrained_color: shares of images whose nearest is one of like color, see `evaluation.color_agreement`.
        input_share: how much of a training step's time making its batch takes by itself.
        history: the rows of history.csv.
    """

    images: int
    updates: int
    copies: float
    untrained_match: float
    untrained_color: float
    match: float | None = None
    color: float | None = None
    input_share: float | None = None
    history: Sequence[dict[str, float]] = ()


def findings(recipe: Recipe, measured: Measured) -> list[str]:
    """What limits a run, the worst first, each with its number and what to do about it.

    Args:
        recipe: of the run.
        measured: of the same.

    Returns:
        list of str, a line each; none where nothing was found.
    """
    found = [check(recipe, measured) for check in _CHECKS]
    return [line for line in found if line is not None]


def _skipped(recipe, measured):
    skipped = measured.history[-1].get("skipped", 0) if measured.history else 0
    if skipped and recipe.precision != "float16":
        return (
            f"Learning rate too high: {skipped:.0f} updates were skipped because their numbers were not finite. Lower "
            "`learning_rate` to a third."
        )
    return None


def _one_vector(recipe, measured):
    low = min((row["target_std"] for row in measured.history if "target_std" in row), default=1.0)
    if low < LEAST_STD:
        return (
            f"Collapsed: target_std fell to {low:.2g}, all images have nearly one projection. Lower `learning_rate`, "
            "or raise `tau_base`."
        )
    return None


def _dimensions(recipe, measured):
    rows = min(recipe.batch_size, RANK_ROWS)
    last = measured.history[-1].get("projection_rank", rows) if measured.history else rows
    if last < LEAST_PROJECTION_SHARE * rows:
        return (
            f"Dimensions lost: the projections of {rows} images have projection_rank {last:.3g}. Lower "
            "`learning_rate`, raise `tau_base`, or give `coding_rate_weight` 1."
        )
    ranks = [row["embedding_rank"] for row in measured.history if "embedding_rank" in row]
    if len(ranks) > 1 and ranks[-1] < LOST_SHARE * max(ranks):
        return (
            f"Dimensions lost: embedding_rank {ranks[-1]:.3g} in the last epoch, {max(ranks):.3g} before. Lower "
            "`learning_rate`, raise `tau_base`, or give `coding_rate_weight` 1."
        )
    return None


def _updates(recipe, measured):
    if measured.updates < FEW_UPDATES:
        epochs = _rounded_up(recipe.epochs * FEW_UPDATES / max(1, measured.updates))
        return (
            f"Too few updates: {measured.updates:,} of {measured.images:,} images in {recipe.epochs:g} epochs. "
            f"`epochs` {epochs:g} makes {FEW_UPDATES:,}; more images are better still."
        )
    return None


def _rounded_up(number):
    """To two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(number)) - 1)
    return round(math.ceil(number / unit - 1e-9) * unit, 9)


def _near_copies(recipe, measured):
    if measured.copies > COPIES:
        return (
            f"Near copies: {100 * measured.copies:.0f} % of the images looked at have one that hardly differs. Keep "
            "one of each: `byol-keras duplicates` lists them, and `byol-keras pretrain --exclude` takes a file of "
            "names, one on a line."
        )
    return None


def _weak_views(recipe, measured):
    if measured.untrained_match > EASY_MATCH:
        return (
            f"Views too weak: untrained, the encoder finds {100 * measured.untrained_match:.0f} % of the images by "
            "another view of them, so there is little to learn. Lower `crop_area` to 0.2, and raise `jitter` and "
            "`grayscale` to 0.8 and 0.2."
        )
    return None


def _strong_views(recipe, measured):
    if measured.match is not None and measured.match < HARD_MATCH:
        return (
            f"Views too strong, or images too much alike: trained, the encoder finds {100 * measured.match:.0f} % of "
            "the images by another view of them. Raise `crop_area`, and look at the views: `byol-keras views`."
        )
    return None


def _color(recipe, measured):
    if measured.color is not None and measured.color > measured.untrained_color + COLOR_LEAD:
        return (
            f"Color as a shortcut: of {100 * measured.color:.0f} % of the images the nearest one is of like color, "
            f"untrained {100 * measured.untrained_color:.0f} %. Raise `jitter` and `grayscale` to 0.8 and 0.2, or "
            "beyond."
        )
    return None


def _input(recipe, measured):
    if measured.input_share is not None and measured.input_share > STARVING:
        return (
            f"Waiting for images: making a batch takes {100 * measured.input_share:.0f} % of a step by itself. Shrink "
            "them once, to squares a little larger than `image_size`."
        )
    return None


_CHECKS = (_one_vector, _skipped, _dimensions, _input, _updates, _near_copies, _weak_views, _strong_views, _color)

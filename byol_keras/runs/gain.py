"""How far the pretrained method of a result is ahead of another, and how sure that is."""

import numpy as np

from .results import Result


def gain(result: Result, method: str) -> tuple[float, float | None]:
    """The lead of the first method over another.

    Args:
        result: `Result`.
        method: one of its others.

    Returns:
        The mean difference, and its standard deviation: that of the differences where there are several of them, score
        by score; otherwise that of two shares of independent images; None where neither is known.
    """
    first = next(iter(result.scores))
    ours, others = np.array(result.scores[first]), np.array(result.scores[method])
    mean = float(ours.mean() - others.mean())
    if len(ours) == len(others) > 1:
        return mean, float(np.std(ours - others, ddof=1))
    if len(ours) == len(others) == 1 and result.errors:
        return mean, float(np.hypot(result.errors[first][0], result.errors[method][0]))
    return mean, None


def sampling_error(result: Result, method: str) -> float:
    """The standard error of the lead that comes from the number of test images, which all label subsets share.

    Args:
        result: `Result`.
        method: one of its others.

    Returns:
        float, that of two shares of independent images; 0 where the errors are not known.
    """
    first = next(iter(result.scores))
    if not result.errors:
        return 0.0
    return float(np.hypot(np.mean(result.errors[first]), np.mean(result.errors[method])))


def gain_text(result: Result, method: str) -> str:
    """The gain in points with its spread, "+20.0 ± 14.1"; nothing where the spread is not known."""
    mean, std = gain(result, method)
    return "" if std is None else f"{100 * mean:+.1f} ± {100 * std:.1f}"

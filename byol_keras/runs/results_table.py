"""Results as a table for the terminal."""

from collections.abc import Sequence

import numpy as np

from ..utils.text_table import text_table
from .gain import gain_text
from .results import Result


def results_table(results: Sequence[Result]) -> str:
    """Results as a text table in percent, a line per method: mean, std where there are several, gain over it, ± std.

    Results on other data stand below a line that says which.

    Args:
        results: list of `Result`.

    Returns:
        str.
    """
    rows, data, unsure = [], {}, False
    for result in results:
        if result.data not in data.values():
            data[len(rows)] = result.data
        for i, (method, scores) in enumerate(result.scores.items()):
            std = f"{100 * np.std(scores, ddof=1):.1f} of {len(scores)}" if len(scores) > 1 else ""
            lead = gain_text(result, method) if i else ""
            unsure |= i > 0 and not lead
            head = (result.task, result.metric) if i == 0 else ("", "")
            rows.append((*head, method, f"{100 * np.mean(scores):.1f}", std, lead))
    header = ("", "metric", "method", "%", "std", "gain of the first")
    first_line, *others = text_table(header, rows, left=header[:3]).split("\n")
    lines = [first_line]
    for number, line in enumerate(others):
        lines += [f"On {data[number]}", line] if number in data else [line]
    if unsure:
        lines.append(
            "No gain stands where its spread is not known: measure more seeds or label subsets, or runs of several "
            "seeds, which `byol-keras report` takes together."
        )
    return "\n".join(lines)

"""What `byol-keras report` does, from top to bottom."""

import os
from collections.abc import Sequence

from ..callbacks.csv_history import read_history
from ..errors import InputError
from ..reports.results_page import results_page
from ..runs.results import Result, current_results, pool_results
from ..runs.run_config import load_run
from ..utils.extras import require_extra
from ..utils.html import write_page


def report_runs(folders: Sequence[str | os.PathLike], path: str | os.PathLike) -> list[Result]:
    """Writes an HTML page with every result of the runs; it needs no other file.

    What was measured of an encoder that an extended run had before is passed over, which is said.
    Runs that differ in nothing but their seed, and were measured in the same way, are taken together: the page then
    shows the mean and standard deviation over all their scores.

    Args:
        folders: of the runs; one that comes twice counts once.
        path: the .html to write.

    Returns:
        list of `Result`, those on the page, by their data.

    Raises:
        InputError: for a folder that is no run, or when nothing was measured about any of them.
    """
    require_extra("The chart of the results", "matplotlib")
    # However it is written: a run beside itself would have a spread of 0.
    runs = [load_run(folder) for folder in {os.path.realpath(folder): folder for folder in folders}.values()]
    pooled = pool_results([(run, current_results(run)) for run in runs])
    if not pooled:
        raise InputError(
            f"Nothing was measured yet about {', '.join(str(run.folder) for run in runs)}: "
            "`byol-keras evaluate` is a beginning."
        )
    # By data, in the order in which they come.
    order = list(dict.fromkeys(result.data for result, _ in pooled))
    pooled.sort(key=lambda pair: order.index(pair[0].data))
    write_page(path, results_page(pooled, [(run, read_history(run.history_path)) for run in runs]))
    return [result for result, _ in pooled]

"""What `byol-keras retrieval` does: the ranking of the trained encoder of a run beside that of the same untrained."""

import os
import time

from ..data.labeled import open_labeled
from ..data.open import absolute_data
from ..errors import InputError
from ..evaluation.embed import embed
from ..runs.build import trained_and_untrained
from ..runs.results import Result, check_results, results_of, write_results
from ..runs.run_config import load_finished_run
from ..tasks.retrieval.metrics import RECALL_AT, retrieval_leave_one_out, retrieval_scores


def retrieval_of_run(
    folder: str | os.PathLike, index: str | os.PathLike, queries: str | os.PathLike | None = None, command: str = ""
) -> list[Result]:
    """Evaluates a run by how its nearest images agree in class; writes RUN/results/retrieval.json.

    Args:
        folder: the run.
        index: the labeled images to find, see `data.open_source`.
        queries: labeled images of the same classes to search with; None to search with each image of the index among
            the others.
        command: the command line, for the results.

    Returns:
        list of `Result`: recall at each of RECALL_AT, and mean average precision.

    Raises:
        InputError: for a run without an encoder, sources without labels or with other classes, or too few images.
    """
    started = time.monotonic()
    run = load_finished_run(folder)
    check_results(run)
    if queries is not None and absolute_data(queries) == absolute_data(index):
        raise InputError(
            "Every query would find itself: leave out `queries`, so that each image is looked up among the others. "
            f"Received: index={index}, queries={queries}"
        )
    indexed = open_labeled(index, run.value_range)
    query_source = None if queries is None else open_labeled(queries, run.value_range)
    if query_source is not None and query_source.class_names != indexed.class_names:
        raise InputError(f"{index} and {queries} do not have the same classes: give them the same subfolders.")
    if len(indexed) - (query_source is None) < max(RECALL_AT):
        raise InputError(f"{index}: {len(indexed)} images are too few for recall at {max(RECALL_AT)}.")
    scores = {}
    for method, encoder in trained_and_untrained(run).items():
        vectors = embed(encoder, indexed)
        if query_source is None:
            scores[method] = retrieval_leave_one_out(vectors, indexed.labels)
        else:
            query_vectors = embed(encoder, query_source)
            scores[method] = retrieval_scores(vectors, indexed.labels, query_vectors, query_source.labels)
    settings = {"index_images": len(indexed), "queries": scores["pretrained"].queries, "distance": "cosine"}
    if query_source is None:
        settings["protocol"] = "leave one out"
    figures = {f"recall at {k}": {m: [s.recall[k]] for m, s in scores.items()} for k in RECALL_AT}
    figures["mean average precision"] = {m: [s.mean_average_precision] for m, s in scores.items()}
    data = str(index) if query_source is None else f"{index} -> {queries}"
    results = results_of("Image retrieval", figures, data, settings, started, command)
    write_results(run, "retrieval", results)
    return results

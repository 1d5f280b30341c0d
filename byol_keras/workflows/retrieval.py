"""What `byol-keras retrieval` does: the ranking of the trained encoder of a run beside that of the same untrained."""

import time

from ..data.labeled import open_labeled
from ..errors import InputError
from ..evaluation.embed import embed
from ..runs.build import build_encoder
from ..runs.results import Result, write_results
from ..runs.run import load_finished_run
from ..tasks.retrieval.metrics import RECALL_AT, retrieval_leave_one_out, retrieval_scores


def retrieval_of_run(folder, index, queries=None, command=""):
    """Judges a run by how its nearest images agree in class; writes RUN/results/retrieval.json.

    Args:
        folder: the run.
        index: SOURCE of the labeled images to find.
        queries: SOURCE of labeled images of the same classes to search with; None to search with each image of
            the index among the others.
        command: str, for the results to say how they came about.

    Returns:
        list of `Result`: recall at each of RECALL_AT, and mean average precision.

    Raises:
        InputError: for a run without an encoder, sources without labels or with other classes, or too few images.
    """
    start = time.monotonic()
    run = load_finished_run(folder)
    found, asked = open_labeled(index), None if queries is None else open_labeled(queries)
    if asked is not None and asked.class_names != found.class_names:
        raise InputError(f"{index} and {queries} do not have the same classes: give them the same subfolders.")
    if len(found) - (asked is None) < max(RECALL_AT):
        raise InputError(f"{index}: {len(found)} images are too few for recall at {max(RECALL_AT)}.")
    scores = {}
    for method, encoder in (("pretrained", run.encoder), ("untrained", build_encoder(run))):
        vectors = embed(encoder, found)
        if asked is None:
            scores[method] = retrieval_leave_one_out(vectors, found.labels)
        else:
            scores[method] = retrieval_scores(vectors, found.labels, embed(encoder, asked), asked.labels)
    counted = next(iter(scores.values())).queries
    data = str(index) if asked is None else f"{index} -> {queries}"
    settings = {"images in the index": len(found), "queries": counted, "distance": "cosine"}
    if asked is None:
        settings["protocol"] = "leave one out"
    figures = {f"recall at {k}": {m: [s.recall[k]] for m, s in scores.items()} for k in RECALL_AT}
    figures["mean average precision"] = {m: [s.mean_average_precision] for m, s in scores.items()}
    seconds = round(time.monotonic() - start, 1)
    results = [
        Result("Image retrieval", metric, data, by_method, settings, seconds, command)
        for metric, by_method in figures.items()
    ]
    write_results(run, "retrieval", results)
    return results

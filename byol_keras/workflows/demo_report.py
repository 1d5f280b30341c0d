"""The report of a run that was evaluated and exported, the last step of `byol-keras demo`."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..callbacks.csv_history import read_history
from ..data import open_source
from ..data.channels import with_channels
from ..data.eval_pipeline import ordered_batches
from ..data.grids import view_grid
from ..errors import InputError
from ..evaluation import embed, l2_normalize_rows, nearest
from ..reports.demo_page import NeighborCard, demo_page
from ..runs.build import build_views, trained_and_untrained
from ..runs.results import read_results
from ..runs.run import Run
from ..utils.html import write_page

QUERIES = 10
NEIGHBORS = 6


def write_demo_report(
    run: Run,
    train: str | os.PathLike,
    test: str | os.PathLike,
    export: str | os.PathLike,
    path: str | os.PathLike,
    commands: Sequence[str],
) -> None:
    """Writes an HTML page about a run; it needs no other file.

    Args:
        run: `Run`, with encoder.keras, history.csv and results/evaluation.json.
        train, test: the labeled images it was evaluated with, see `data.open_source`.
        export: folder with the parity.json of its exports.
        path: the .html to write.
        commands: lines for its end: how to do the same with other images.

    Raises:
        InputError: when the run was not evaluated, or not exported to that folder.
    """
    evaluation, parities_path = read_results(run, "evaluation"), Path(export) / "parity.json"
    if not evaluation:
        raise InputError(f"{run.folder} was not evaluated yet: `byol-keras evaluate` does it.")
    if not parities_path.is_file():
        raise InputError(f"{parities_path} is missing: `byol-keras export` writes it.")
    parities = json.loads(parities_path.read_text())
    views = view_grid(
        with_channels(open_source(run.data, value_range=run.value_range), run.channels), build_views(run.recipe)
    )
    cards = _neighbor_cards(run, *(open_source(data, value_range=run.value_range) for data in (train, test)))
    write_page(path, demo_page(run, read_history(run.history_path), evaluation, parities, views, cards, commands))


def _neighbor_cards(run, train, test):
    """A card for the first test image of each class, at most QUERIES of them."""
    _, first = np.unique(test.labels, return_index=True)
    queries = test.subset(first[:QUERIES])
    encoders = trained_and_untrained(run)
    found = {method: _found(encoder, queries, train, run.recipe.image_size) for method, encoder in encoders.items()}
    pixels = _pixels(queries, run.recipe.image_size)
    return [
        NeighborCard(pixels[i], _class_name(test, label), {method: rows[i] for method, rows in found.items()})
        for i, label in enumerate(queries.labels)
    ]


def _found(encoder, queries, train, size):
    """For each query its NEIGHBORS nearest training images: lists of (pixels, name of the class)."""
    vectors, others = (l2_normalize_rows(embed(encoder, source)) for source in (queries, train))
    indices, _ = nearest(vectors, others, NEIGHBORS)
    pixels = _pixels(train.subset(indices.ravel()), size).reshape(*indices.shape, size, size, -1)
    names = [[_class_name(train, label) for label in row] for row in train.labels[indices]]
    return [list(zip(*row, strict=True)) for row in zip(pixels, names, strict=True)]


def _pixels(source, size):
    """(N, size, size, C) float32 in [0, 1]."""
    return np.concatenate([*ordered_batches(source, size).as_numpy_iterator()])


def _class_name(source, label):
    return str(label) if source.class_names is None else source.class_names[label]

"""The report of a run: one page that needs no other file."""

import html
import json
from pathlib import Path

import numpy as np

from ..callbacks.csv_history import read_history
from ..data import open_source
from ..data.eval_pipeline import ordered_batches
from ..data.grids import view_grid
from ..errors import InputError
from ..evaluation import embed, l2_normalize_rows, nearest
from ..runs.build import build_encoder, build_views
from ..utils.atomic import atomic_path
from ..utils.html import image, page, table
from .demo_page import BODY, STYLE, curve, neighbor_card

QUERIES = 10
NEIGHBORS = 6
# The curves, and what to look for in them.
CURVES = {
    "loss": "0 to 8: how far the prediction from one view is from the target of the other.",
    "target_std": "Of the targets over a batch: about 1 is healthy, towards 0 is collapse.",
    "tau": "The target's decay, which rises to 1.",
}
COMMANDS = """\
byol-keras views --data IMAGES --out views.png
byol-keras pretrain --data IMAGES --out runs/mine --image-size 64 --epochs 50
byol-keras evaluate runs/mine --train LABELED/train --test LABELED/test
byol-keras export runs/mine --out serving
byol-keras embed runs/mine --data IMAGES --out embeddings.npz"""


def write_report(run, export, path):
    """Writes an HTML page about a run that was evaluated and exported.

    Args:
        run: `Run`, with encoder.keras, history.csv and evaluation.json.
        export: folder with the parity.json of its exports.
        path: the .html to write. All images are inside it, so it can be moved or sent anywhere.

    Raises:
        InputError: when the run was not evaluated, or not exported to that folder.
    """
    evaluation = _read_json(run.evaluation_path, "byol-keras evaluate")
    parities = _read_json(Path(export) / "parity.json", "byol-keras export")
    history = read_history(run.history_path)
    epochs = [row["epoch"] + 1 for row in history]
    sheet = view_grid(open_source(run.data), build_views(run.recipe))
    neighbors, count = _neighbors(run, evaluation)
    body = BODY.substitute(
        summary=html.escape(_summary(run, evaluation)),
        views=image(sheet, "images, and two views of each"),
        curves="\n".join(curve(epochs, [row[name] for row in history], name, text) for name, text in CURVES.items()),
        accuracy=_accuracy(evaluation),
        neighbors=neighbors,
        count=html.escape(count),
        exports=_exports(parities),
        commands=html.escape(COMMANDS),
    )
    text = page("byol_keras: an encoder learned without labels", body, STYLE.substitute(columns=NEIGHBORS))
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _read_json(path, command):
    if not path.is_file():
        raise InputError(f"{path} is missing: `{command}` writes it.")
    return json.loads(path.read_text())


def _summary(run, evaluation):
    knn = {name: 100 * row["knn"] for name, row in evaluation["results"].items()}
    images = "images" if run.image_count is None else f"{run.image_count:,} images"
    return (
        f"A {run.recipe.backbone} learned from {images} of "
        f"{run.recipe.image_size} pixels in {run.recipe.epochs} epochs, without being told what is in them. By the "
        f"{evaluation['neighbors']} images it finds most alike, the class of {knn['trained']:.1f} % of new images "
        f"is named rightly; with the untrained network, of {knn['untrained']:.1f} %."
    )


def _accuracy(evaluation):
    def percent(row, form):
        return [format(100 * row[key], form) for key in ("knn", "linear")]

    results = evaluation["results"]
    gain = {key: results["trained"][key] - results["untrained"][key] for key in ("knn", "linear")}
    rows = [[name, *percent(row, ".1f")] for name, row in results.items()]
    return table(
        ["accuracy in %", f"{evaluation['neighbors']}-NN", "linear probe"], [*rows, ["gain", *percent(gain, "+.1f")]]
    )


def _exports(parities):
    rows = []
    for parity in parities:
        difference = "not finite" if parity["largest"] is None else f"{parity['largest']:.1e}"
        size, latency = f"{parity['size_bytes'] / 1000:,.0f}", f"{parity['latency_ms']:.2f}"
        rows.append([parity["artifact"], size, difference, parity["tolerance"], latency])
    return table(["file", "size in kB", "largest difference", "required", "time in ms"], rows)


def _neighbors(run, evaluation):
    """A card for the first test image of each class, at most QUERIES, and a sentence that counts the wrong ones."""
    train, test = (open_source(evaluation[name]["source"]) for name in ("train", "test"))
    _, first = np.unique(test.labels, return_index=True)
    queries = test.subset(first[:QUERIES])
    encoders = {"trained": run.encoder, "untrained": build_encoder(run)}
    found = {}
    for name, encoder in encoders.items():
        vectors, others = l2_normalize_rows(embed(encoder, queries)), l2_normalize_rows(embed(encoder, train))
        found[name], _ = nearest(vectors, others, NEIGHBORS)
    query_pixels = _pixels(queries, run.recipe.image_size)
    pixels = {name: _pixels(train.subset(f.ravel()), run.recipe.image_size) for name, f in found.items()}
    cards = []
    for i, label in enumerate(queries.labels):
        rows = []
        for name, indices in found.items():
            images = pixels[name][i * NEIGHBORS : (i + 1) * NEIGHBORS]
            classes = [_class_name(train, other) for other in train.labels[indices[i]]]
            rows.append((name, list(zip(images, classes, strict=True))))
        cards.append(neighbor_card(query_pixels[i], _class_name(test, label), rows))
    wrong = {name: int(np.sum(train.labels[f] != queries.labels[:, None])) for name, f in found.items()}
    count = (
        f"Of these {found['trained'].size} neighbors, {wrong['trained']} are of another class after training, "
        f"{wrong['untrained']} before."
    )
    return "\n".join(cards), count


def _pixels(source, size):
    """(N, size, size, C) float32 in [0, 1]."""
    return np.concatenate([*ordered_batches(source, size).as_numpy_iterator()])


def _class_name(source, label):
    return str(label) if source.class_names is None else source.class_names[label]

"""The page of a run that was evaluated and exported."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..runs.gain import gain_text
from ..runs.results import Result
from ..runs.run import Run
from ..utils.html import data_uri, png_uri, render_page
from .charts import history_chart

TEMPLATE = Path(__file__).parent / "templates" / "demo_page.html"
ENCODERS = ("untrained", "pretrained")
# The curves, and what to look for in them.
CURVES = {
    "loss": "0 to 8: how far the prediction from one view is from the target of the other.",
    "target_std": "Of the targets over a batch: towards 0 all images get one projection.",
    "embedding_rank": "In how many dimensions the embeddings of a batch lie.",
    "projection_rank": "The same of the targets; it falls at first.",
    "tau": "The target's decay, which rises to 1.",
}


@dataclasses.dataclass(frozen=True)
class NeighborCard:
    """An image and what several encoders find nearest to it.

    Attributes:
        pixels: (H, W, 1 or 3) float32 in [0, 1], of the image.
        name: str, its class.
        found: dict of method ("pretrained", "untrained") -> list of (pixels, name of the class), nearest first.
    """

    pixels: np.ndarray
    name: str
    found: Mapping[str, Sequence[tuple[np.ndarray, str]]]


def demo_page(
    run: Run,
    history: Sequence[Mapping[str, float]],
    evaluation: Sequence[Result],
    parities: Sequence[Mapping],
    views: Image.Image,
    cards: Sequence[NeighborCard],
    commands: Sequence[str],
) -> str:
    """The page as HTML; all images are inside it, so it can be moved or sent anywhere.

    Args:
        run: `Run`.
        history: rows of its history.csv, see `read_history`.
        evaluation: what `evaluate_run` found out: by k-NN, and by the linear probe.
        parities: what the parity.json of its exports holds.
        views: PIL.Image, images above two views of each.
        cards: `NeighborCard` of the trained and the untrained encoder.
        commands: lines that do the same with other images.

    Returns:
        str.
    """
    evaluation = [result for result in evaluation if result.metric == "accuracy"]
    by_knn = evaluation[0].scores
    others = [(name, other != card.name) for card in cards for name, row in card.found.items() for _, other in row]
    return render_page(
        TEMPLATE,
        recipe=run.recipe,
        images="images" if run.image_count is None else f"{run.image_count:,} images",
        neighbors=evaluation[0].settings["neighbors"],
        knn={method: f"{100 * np.mean(by_knn[method]):.1f}" for method in ENCODERS},
        views=png_uri(views),
        charts=[_curve(history, name, meaning) for name, meaning in CURVES.items() if history and name in history[0]],
        accuracy=_accuracy_rows(evaluation),
        cards=[_card(card) for card in cards],
        shown=sum(name == "pretrained" for name, _ in others),
        wrong={name: sum(wrong for encoder, wrong in others if encoder == name) for name in ENCODERS},
        exports=[_export_row(parity) for parity in parities],
        commands="\n".join(commands),
    )


def _curve(history, name, meaning):
    chart = history_chart([row["epoch"] + 1 for row in history], [row[name] for row in history], name)
    return {"uri": data_uri(chart, "image/png"), "alt": f"{name} by epoch", "caption": meaning}


def _accuracy_rows(evaluation):
    rows = [
        [method, *(f"{100 * np.mean(result.scores[method]):.1f}" for result in evaluation)]
        for method in reversed(evaluation[0].scores)
    ]
    return [*rows, ["gain over untrained", *(gain_text(result, "untrained") for result in evaluation)]]


def _card(card):
    rows = [
        (encoder, [{"uri": png_uri(pixels), "name": name, "wrong": name != card.name} for pixels, name in found])
        for encoder, found in card.found.items()
    ]
    return {"uri": png_uri(card.pixels), "name": card.name, "rows": rows}


def _export_row(parity):
    difference = "not finite" if parity["largest"] is None else f"{parity['largest']:.1e}"
    size, latency = f"{parity['size_bytes'] / 1000:,.0f}", f"{parity['latency_ms']:.2f}"
    return [parity["artifact"], size, difference, parity["tolerance"], latency]

"""The results page: everything that was measured about one or several runs, in one file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..evaluation.confusion import recalls
from ..runs.gain import gain_text
from ..runs.results import Result
from ..runs.run import Run
from ..utils.html import data_uri, render_page
from .charts import history_chart, results_chart

TEMPLATE = Path(__file__).parent / "templates" / "results_page.html"


def results_page(
    pooled: Sequence[tuple[Result, Sequence[Path]]], histories: Sequence[tuple[Run, Sequence[Mapping]]]
) -> str:
    """The page as HTML; all charts are inside it.

    Args:
        pooled: (`Result`, folders of the runs it comes from) each, as `pool_results` gives them.
        histories: (`Run`, rows of its history.csv as `read_history` gives them) of each run.

    Returns:
        str.
    """
    results = [result for result, _ in pooled]
    return render_page(
        TEMPLATE,
        sections=[_section(data, results) for data in dict.fromkeys(result.data for result in results)],
        runs=[_run_row(run) for run, _ in histories],
        losses=[_loss(run, history) for run, history in histories if history],
        measurements=[_measurement(result, folders) for result, folders in pooled],
    )


def _section(data, results):
    """What was measured on one set of images."""
    results = [result for result in results if result.data == data]
    chart = data_uri(results_chart(results), "image/png")
    tables = [{"task": result.task, "metric": result.metric, "rows": _score_rows(result)} for result in results]
    return {"data": data, "chart": chart, "results": tables, "classes": [_classes(r) for r in results if r.confusions]}


def _score_rows(result):
    """A row for each method; the first is the one from pretraining."""
    return [
        {
            "method": method,
            "mean": f"{100 * np.mean(scores):.1f}",
            "std": f"± {100 * np.std(scores, ddof=1):.1f}" if len(scores) > 1 else "",
            "count": len(scores),
            "gain": gain_text(result, method) if i else "",
        }
        for i, (method, scores) in enumerate(result.scores.items())
    ]


def _classes(result):
    """The recall of every method, and beside it the confusion matrix of the pretrained one."""
    recall = {method: recalls(np.array(counts)) for method, counts in result.confusions.items()}
    counts = next(iter(result.confusions.values()))
    rows = [
        [name, *("" if np.isnan(values[i]) else f"{100 * values[i]:.0f}" for values in recall.values()), *counts[i]]
        for i, name in enumerate(result.classes)
    ]
    header = ["class", *(f"{method}, %" for method in recall), *result.classes]
    return {"title": f"{result.task}, by class", "method": next(iter(recall)), "header": header, "rows": rows}


def _run_row(run):
    recipe = run.recipe
    numbers = [recipe.described_size, f"{recipe.epochs:g}", recipe.batch_size, run.seed]
    return [run.folder, run.data, recipe.backbone, *numbers]


def _loss(run, history):
    chart = history_chart([row["epoch"] + 1 for row in history], [row["loss"] for row in history], "loss")
    recipe = run.recipe
    loss = "contrastive" if recipe.contrastive_temperature else "0 to 8"
    term = ", less the coding-rate term" if recipe.coding_rate_weight else ""
    weights = {"center": recipe.center_weight, "decoder": recipe.reconstruction_weight, "critic": recipe.critic_weight}
    more = "".join(f", plus the {name}'s loss" for name, weight in weights.items() if weight)
    caption = f"{run.folder}: {loss}, of the predictions{term}{more}"
    return {"uri": data_uri(chart, "image/png"), "alt": f"loss of {run.folder} by epoch", "caption": caption}


def _measurement(result, folders):
    facts = [
        f"on {result.data}",
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result.settings.items()),
        f"{result.seconds:,.0f} s",
        f"runs: {', '.join(str(folder) for folder in folders)}",
    ]
    facts = "; ".join(fact for fact in facts if fact)
    return {"task": result.task, "metric": result.metric, "facts": facts, "command": result.command}

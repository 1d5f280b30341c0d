"""What `byol-keras evaluate` does: the trained encoder of a run beside the same encoder untrained."""

import json
import time

import numpy as np

from ..data.labeled import open_train_and_test
from ..evaluation.embed import embed
from ..evaluation.knn import knn_accuracy
from ..evaluation.label_subsets import label_subsets
from ..evaluation.linear import linear_accuracy, linear_accuracy_sgd
from ..runs.build import build_encoder
from ..runs.results import Result, results_name, share, write_results
from ..runs.run import load_finished_run
from ..utils.atomic import atomic_path
from ..utils.extras import require_extra
from ..utils.text_table import text_table

NEIGHBORS = 20


def evaluate_run(folder, train, test, label_fraction=1.0, sgd=False, seed=0, draws=1, command=""):
    """Judges a run by k-NN and a linear probe on frozen embeddings.

    Writes RUN/evaluation.json and, as `Result`s, RUN/results/evaluation.json, for a share of the labels 10pct
    and the like.

    Args:
        folder: the run.
        train, test: SOURCEs of labeled images with the same classes.
        label_fraction: float in (0, 1], share of the training labels used, the same share of each class.
        sgd: whether to run the authors' linear protocol, 80 epochs of SGD, instead of L-BFGS.
        seed: int, of the choice of labels and of SGD.
        draws: int, how many times labels are chosen anew, with the seeds from `seed` on.
        command: str, the command line, for the results.

    Returns:
        dict: what was evaluated, and under "results" a row for "untrained" and "trained" with "knn" and "linear"
        accuracy, from 0 to 1, the mean over the draws, and under "knn_draws" and "linear_draws" each draw's.

    Raises:
        InputError: for a run without an encoder, sources without labels or with other classes, or a share or a number
            of draws out of range.
    """
    require_extra("Evaluation", "sklearn")
    run = load_finished_run(folder)
    train_images, test_images = open_train_and_test(train, test)
    chosen = label_subsets(train_images.labels, label_fraction, draws, seed)
    result = {
        "train": {"source": str(train), "images": len(chosen[0])},
        "test": {"source": str(test), "images": len(test_images)},
        "label_fraction": label_fraction,
        "draws": draws,
        "neighbors": NEIGHBORS,
        "linear_probe": "sgd" if sgd else "lbfgs",
        "results": {},
    }
    for name, encoder in (("untrained", build_encoder(run)), ("trained", run.encoder)):
        start = time.monotonic()
        result["results"][name] = judge(encoder, train_images, test_images, chosen, sgd, seed)
        result["results"][name]["seconds"] = round(time.monotonic() - start, 1)
    with atomic_path(run.evaluation_path) as path:
        path.write_text(json.dumps(result, indent=2) + "\n")
    write_results(run, results_name("evaluation", label_fraction), results_of(result, seed, command))
    return result


def judge(encoder, train, test, draws, sgd=False, seed=0):
    """k-NN and linear accuracy of one encoder.

    Args:
        encoder: keras.Model.
        train, test: labeled `ImageSource`.
        draws: list of (n,) int, the training images whose labels count, for each draw.
        sgd, seed: as for `evaluate_run`.

    Returns:
        dict: "knn" and "linear", the mean over the draws; "knn_draws" and "linear_draws", lists of float.
    """
    # An image is embedded once, in however many draws it is.
    used, test_vectors = np.unique(np.concatenate(draws)), embed(encoder, test)
    vectors = embed(encoder, train.subset(used))
    knn, linear = [], []
    for i, chosen in enumerate(draws):
        labels, known = train.labels[chosen], vectors[np.searchsorted(used, chosen)]
        knn.append(knn_accuracy(known, labels, test_vectors, test.labels, NEIGHBORS))
        if sgd:
            linear.append(linear_accuracy_sgd(encoder, train.subset(chosen), test, seed=seed + i))
        else:
            linear.append(linear_accuracy(known, labels, test_vectors, test.labels))
    means = {"knn": float(np.mean(knn)), "linear": float(np.mean(linear))}
    return {**means, "knn_draws": knn, "linear_draws": linear}


def results_of(evaluation, seed=0, command=""):
    """What `evaluate_run` returns as `Result`s: one for k-NN, one for the linear probe."""
    rows = evaluation["results"]
    results = []
    for key, method in (("knn", f"{evaluation['neighbors']}-NN"), ("linear", "linear probe")):
        settings = {"draws": evaluation["draws"], "seed": seed, "training images": evaluation["train"]["images"]}
        if key == "linear":
            settings["fitted by"] = evaluation["linear_probe"]
        results.append(
            Result(
                task=f"Image classification, {method}, {share(evaluation['label_fraction'])}",
                metric="accuracy",
                data=f"{evaluation['train']['source']} -> {evaluation['test']['source']}",
                scores={
                    "pretrained": rows["trained"][f"{key}_draws"],
                    "untrained": rows["untrained"][f"{key}_draws"],
                },
                settings=settings,
                seconds=round(sum(row["seconds"] for row in rows.values()), 1),
                command=command,
            )
        )
    return results


def accuracy_table(result):
    """The accuracies as a text table, in percent; of several draws the mean and the deviation."""
    draws = f", {result['draws']} draws of them" if result["draws"] > 1 else ""
    linear = "linear (SGD)" if result["linear_probe"] == "sgd" else "linear (L-BFGS)"
    rows = [
        [name, *(_percent(row[f"{key}_draws"]) for key in ("knn", "linear"))] for name, row in result["results"].items()
    ]
    untrained, trained = result["results"]["untrained"], result["results"]["trained"]
    rows.append(["gain", *(f"{100 * (trained[key] - untrained[key]):+.1f}" for key in ("knn", "linear"))])
    return (
        f"{result['train']['images']:,} training{draws} and {result['test']['images']:,} test images, accuracy in %\n"
        + text_table(["encoder", f"{result['neighbors']}-NN", linear], rows, left={"encoder"})
    )


def _percent(scores):
    mean = f"{100 * np.mean(scores):.1f}"
    return mean if len(scores) == 1 else f"{mean} ± {100 * np.std(scores, ddof=1):.1f}"

"""What `byol-keras demo` does, from top to bottom: the whole way on images it draws itself."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.synthetic import synthetic_images
from ..runs.recipe import recipe_named
from ..runs.results_table import results_table
from ..runs.run import check_is_new
from ..utils.atomic import atomic_path
from ..utils.extras import require_extra
from .demo_report import write_demo_report
from .evaluate import evaluate_run
from .export import export_run
from .pretrain import pretrain

TRAIN_IMAGES, TRAIN_SEED = 4096, 1
TEST_IMAGES, TEST_SEED = 1000, 2


def run_demo(out: str | os.PathLike, commands: Sequence[str] = ()) -> None:
    """Draws images, pretrains on them, evaluates the encoder, exports it, and writes a report of it all.

    Args:
        out: a new folder; gets images/, run/, export/ and report.html.
        commands: lines for the end of the report: how to do the same with other images.

    Raises:
        InputError: when the folder is not new, or a package is missing, before anything is written.
        ParityError: where an exported file differs from Keras.
    """
    require_extra("The demo", "sklearn", "matplotlib", "ai_edge_litert")
    check_is_new(out)
    start = time.monotonic()
    folder = Path(out)
    train, test = folder / "images" / "train.npz", folder / "images" / "test.npz"

    _say(f"1 of 5: drawing {TRAIN_IMAGES:,} images to train on and {TEST_IMAGES:,} others to test with")
    _write_images(train, TRAIN_IMAGES, TRAIN_SEED)
    _write_images(test, TEST_IMAGES, TEST_SEED)

    _say("2 of 5: pretraining, without the labels")
    run = pretrain(str(train), folder / "run", recipe_named("demo"))

    _say("3 of 5: evaluating the encoder beside the same one untrained, with the labels")
    print(results_table(evaluate_run(run.folder, str(train), str(test))))

    _say("4 of 5: exporting, and comparing each file with Keras in a fresh process")
    export_run(run.folder, folder / "export")

    _say("5 of 5: writing the report")
    page = folder / "report.html"
    write_demo_report(run, str(train), str(test), folder / "export", page, commands)

    seconds = round(time.monotonic() - start)
    _say(f"Done in {seconds // 60} min {seconds % 60} s.")
    print(_summary(folder, page))


def _write_images(path, count, seed):
    images, labels, class_names = synthetic_images(count, seed)
    with atomic_path(path) as temporary:
        np.savez(temporary, images=images, labels=labels, class_names=np.array(class_names))


def _summary(folder, page):
    rows = [
        (page, "the result on one page: open it in a browser"),
        (folder / "images", "the drawn images, train.npz and test.npz"),
        (folder / "run", "the trained encoder, encoder.keras, and how training went"),
        (folder / "export" / "encoder", "the SavedModel, for TensorFlow Serving"),
        (folder / "export" / "encoder.tflite", "the same encoder for phones and boards"),
    ]
    width = max(len(str(path)) for path, _ in rows)
    return "\n".join(f"  {path!s:<{width}}  {what}" for path, what in rows)


def _say(text):
    print(f"\n{text}", flush=True)

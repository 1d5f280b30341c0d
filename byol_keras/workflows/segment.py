"""What `byol-keras segment` does: DeepLabV3+ from the pretrained backbone of a run beside the same from scratch."""

import dataclasses
import time

import keras
import numpy as np

from ..data.images import evenly
from ..errors import InputError
from ..evaluation.label_subsets import random_subset, training_seeds
from ..models.keras_cv_backbone import keras_cv_backbone
from ..precision import cast_model, dtype_policy, policy_scope
from ..runs.build import build_encoder
from ..runs.load import load_encoder
from ..runs.results import Result, results_name, share, write_results
from ..runs.run import load_run
from ..tasks.segmentation.dataset import open_segmentation
from ..tasks.segmentation.metrics import class_iou
from ..tasks.segmentation.model import build_segmenter, predictor
from ..tasks.segmentation.plots import prediction_grid
from ..tasks.segmentation.train import Schedule, fine_tune, score
from ..utils.atomic import atomic_path

METHODS = ("pretrained", "from scratch")
SCENES_SHOWN = 6


def segment_run(folder, train, test, schedule=None, label_fraction=1.0, seeds=3, command=""):
    """Trains both segmenters once for each seed, and scores them on the test scenes.

    A seed decides on the new weights, those of the backbone from scratch included, the crops, and which label maps are
    used; both methods share them. Two runs of one seed still differ by rounding, which training carries on.

    Written are RUN/results/NAME.json and, of the first seed, RUN/NAME/pretrained.keras with its classes.txt and
    RUN/NAME/predictions.png; NAME is "segmentation", with the share of labels behind it where that is not all.

    Args:
        folder: the run.
        train, test: folders of scenes, see `open_segmentation`.
        schedule: `Schedule`, or None for the usual one.
        label_fraction: float in (0, 1], share of the training scenes that is used.
        seeds: int, how often each method is trained.
        command: str, the command line, for the results.

    Returns:
        list of `Result`: mean IoU, then the IoU of each class of the test scenes.

    Raises:
        InputError: for a run or encoder that cannot be used, or scenes that cannot.
    """
    start = time.monotonic()
    if seeds < 1:
        raise InputError(f"--seeds must be a whole number from 1. Received: {seeds}")
    schedule = schedule or Schedule()
    run, encoder = load_run(folder), load_encoder(folder)
    try:
        keras_cv_backbone(encoder)
    except InputError as error:
        raise InputError(f"{run.encoder_path}: {error}") from error
    train_set = open_segmentation(train)
    test_set = open_segmentation(test, like=train_set)
    if np.count_nonzero(train_set.pixels.sum(axis=0)) < 2:
        raise InputError(f"The label maps in {train} have one class only: nothing to tell apart.")
    name, out = results_name("segmentation", label_fraction), None
    ious = {method: [] for method in METHODS}
    for seed in training_seeds(run.seed, seeds):
        dataset = train_set.subset(random_subset(len(train_set), label_fraction, seed))
        models = {}
        for method in METHODS:
            print(f"{method}, seed {seed}: {schedule.steps} steps on {len(dataset)} scenes", flush=True)
            start_from = encoder if method == "pretrained" else build_encoder(dataclasses.replace(run, seed=seed))
            models[method] = _fine_tuned(run, start_from, dataset, schedule, seed)
            ious[method].append(class_iou(score(models[method], test_set)))
            print(f"{method}, seed {seed}: mean IoU {100 * np.nanmean(ious[method][-1]):.1f} %", flush=True)
        if out is None:
            out = run.folder / name
            _keep(out, models, test_set)
    settings = {**dataclasses.asdict(schedule), "label_fraction": label_fraction}
    settings["training_scenes"] = len(dataset)
    results = _results(ious, test_set.class_names, label_fraction)
    results = [
        dataclasses.replace(
            result,
            data=f"{train} -> {test}",
            settings=settings,
            seconds=round(time.monotonic() - start, 1),
            command=command,
        )
        for result in results
    ]
    write_results(run, name, results)
    return results


def _fine_tuned(run, encoder, dataset, schedule, seed):
    with policy_scope(dtype_policy(run.recipe.precision)):
        # The new weights are the same whatever the backbone starts from.
        keras.utils.set_random_seed(seed)
        model = build_segmenter(encoder, len(dataset.class_names), schedule.crop_size)
    fine_tune(model, dataset, schedule, seed)
    return model


def _keep(out, models, test):
    """The trained model with the names of its classes, and an image of what both make of some test scenes."""
    out.mkdir(parents=True, exist_ok=True)
    with atomic_path(out / "pretrained.keras") as path:
        cast_model(models["pretrained"], "float32").save(path)
    with atomic_path(out / "classes.txt") as path:
        path.write_text("".join(f"{name}\n" for name in test.class_names), encoding="utf-8")
    predictors = [predictor(models[method]) for method in METHODS]
    rows = []
    for i in evenly(len(test), SCENES_SHOWN):
        image = test.image(i)
        rows.append([image, test.labels(i), *(predict(image) for predict in predictors)])
    with atomic_path(out / "predictions.png") as path:
        prediction_grid(rows, ["image", "truth", *METHODS], test.class_names).save(path)


def _results(ious, class_names, label_fraction):
    task = f"Semantic segmentation, {share(label_fraction)}"
    results = [Result(task, "mean IoU", "", {m: [float(np.nanmean(iou)) for iou in rows] for m, rows in ious.items()})]
    for i, name in enumerate(class_names):
        scores = {method: [float(iou[i]) for iou in rows] for method, rows in ious.items()}
        # A class that is nowhere in the test scenes has no score.
        if not np.isnan(next(iter(scores.values()))).any():
            results.append(Result(task, f"IoU of {name}", "", scores))
    return results

"""What `byol-keras segment` does: DeepLabV3+ from the pretrained backbone of a run beside the same from scratch."""

import dataclasses
import os
import time
from pathlib import Path

import keras
import numpy as np

from ..data.images import evenly
from ..data.labeled import warn_if_the_same
from ..errors import InputError
from ..evaluation.label_subsets import random_subset, training_seeds
from ..precision import cast_model, dtype_policy, policy_scope
from ..runs.build import build_encoder, require_backbone
from ..runs.results import Result, check_results, results_name, results_of, share, write_results
from ..runs.run import Run
from ..runs.run_config import load_finished_run
from ..tasks.segmentation.dataset import SegmentationDataset, open_segmentation
from ..tasks.segmentation.metrics import class_iou, segmenter_confusion
from ..tasks.segmentation.model import build_segmenter, segmenter_function
from ..tasks.segmentation.plots import segmentation_grid
from ..tasks.segmentation.train import SegmentationConfig, finetune_segmenter
from ..utils.atomic import atomic_path, remove_file
from ..utils.memory import require_memory

METHODS = ("pretrained", "from scratch")
IMAGES_SHOWN = 6


def segment_run(
    folder: str | os.PathLike,
    train: str | os.PathLike,
    test: str | os.PathLike,
    config: SegmentationConfig | None = None,
    label_fraction: float = 1.0,
    seeds: int = 3,
    command: str = "",
) -> list[Result]:
    """Trains both segmenters once for each seed, and scores them on the test images.

    A seed decides on the new weights, those of the backbone from scratch included, the crops, and which label maps are
    used; both methods share them. Two runs of one seed still differ by rounding, which training carries on.

    Written are RUN/results/NAME.json and, of the first seed, RUN/NAME/pretrained.keras with its classes.txt and
    RUN/NAME/predictions.png; NAME is "segmentation", with the share of labels behind it where that is not all.

    Args:
        folder: the run.
        train, test: folders of images and label maps, see `open_segmentation`.
        config: of the training, the same for all; None for the usual one.
        label_fraction: in (0, 1], share of the training images that is used.
        seeds: how often each method is trained.
        command: the command line, for the results.

    Returns:
        list of `Result`: mean IoU, then the IoU of each class of the test images.

    Raises:
        InputError: for a run, an encoder or a segmentation dataset that cannot be used.
    """
    started = time.monotonic()
    config = config or SegmentationConfig()
    run = load_finished_run(folder)
    check_results(run)
    numbers = training_seeds(run.seed, seeds)
    require_backbone(run)
    train_set = open_segmentation(train)
    test_set = open_segmentation(test, like=train_set)
    warn_if_the_same(train, test)
    if not test_set.pixels.any():
        raise InputError(f"The label maps in {test} have no pixel of a class, so that nothing can be scored by them.")
    subsets = {seed: _subset(train_set, label_fraction, seed, train) for seed in numbers}
    require_memory(
        config.batch_size * config.crop_size**2 * 3 * 4,
        f"{config.batch_size:,} crops of {config.crop_size:,} pixels",
        "give a smaller `crop_size` or `batch_size`. "
        f"Received: crop_size={config.crop_size}, batch_size={config.batch_size}",
    )
    name = results_name("segmentation", label_fraction)
    ious = {method: [] for method in METHODS}
    for seed, subset in subsets.items():
        models = {}
        for method in METHODS:
            print(f"{method}, seed {seed}: {config.steps} steps on {len(subset)} images", flush=True)
            # From scratch means other weights with each seed.
            encoder = run.encoder if method == "pretrained" else build_encoder(run, seed)
            models[method] = _fine_tuned(run, encoder, subset, config, seed)
            ious[method].append(class_iou(segmenter_confusion(models[method], test_set)))
            print(f"{method}, seed {seed}: mean IoU {100 * np.nanmean(ious[method][-1]):.1f} %", flush=True)
        if seed == numbers[0]:
            _save(run.task_path(name), models, test_set)
    settings = {**dataclasses.asdict(config), "label_fraction": label_fraction, "training_images": len(subset)}
    task, data = f"Semantic segmentation, {share(label_fraction)}", f"{train} -> {test}"
    results = results_of(task, _figures(ious, test_set.class_names), data, settings, started, command)
    write_results(run, name, results)
    return results


def _subset(train_set, label_fraction, seed, train):
    """A share of the training images, with two classes at least."""
    subset = train_set.subset(random_subset(len(train_set), label_fraction, seed))
    classes = np.count_nonzero(subset.pixels.sum(axis=0))
    if classes < 2:
        remedy = "Label more" if label_fraction == 1 else "Label more, or raise label_fraction"
        raise InputError(
            f"{classes or 'No'} class is in the label maps of {len(subset)} of the images of {train}: it takes two. "
            f"{remedy}. Received: label_fraction={label_fraction}, seed={seed}"
        )
    return subset


def _fine_tuned(
    run: Run, encoder: keras.Model, dataset: SegmentationDataset, config: SegmentationConfig, seed: int
) -> keras.Model:
    with policy_scope(dtype_policy(run.recipe.precision)):
        # The new weights are the same whatever the backbone starts from.
        keras.utils.set_random_seed(seed)
        model = build_segmenter(encoder, len(dataset.class_names), config.crop_size)
    finetune_segmenter(model, dataset, config, seed)
    return model


def _save(out: Path, models: dict[str, keras.Model], test: SegmentationDataset) -> None:
    """The trained model with the names of its classes, and an image of what both predict for some test images."""
    remove_file(out / "classes.txt")  # never a new model beside the classes of an old one
    with atomic_path(out / "pretrained.keras") as path:
        cast_model(models["pretrained"], "float32").save(path)
    with atomic_path(out / "classes.txt") as path:
        path.write_text("".join(f"{name}\n" for name in test.class_names), encoding="utf-8")
    predictors = [segmenter_function(models[method]) for method in METHODS]
    rows = []
    for i in evenly(len(test), IMAGES_SHOWN):
        image = test.image(i)
        rows.append([image, test.labels(i), *(predict(image) for predict in predictors)])
    with atomic_path(out / "predictions.png") as path:
        segmentation_grid(rows, ["image", "truth", *METHODS], test.class_names).save(path)


def _figures(ious: dict[str, list[np.ndarray]], class_names: tuple[str, ...]) -> dict[str, dict[str, list[float]]]:
    """Metric -> method -> a score per seed: the mean IoU, and that of each class."""
    figures = {"mean IoU": {method: [float(np.nanmean(iou)) for iou in rows] for method, rows in ious.items()}}
    for i, name in enumerate(class_names):
        scores = {method: [float(iou[i]) for iou in rows] for method, rows in ious.items()}
        # A class that is nowhere in the test images has no score.
        if not np.isnan(next(iter(scores.values()))).any():
            figures[f"IoU of {name}"] = scores
    return figures

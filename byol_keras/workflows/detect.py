"""What `byol-keras detect` does: the backbone of a run beside the same from scratch, in a detector."""

import dataclasses
import os
import time

from ..data.labeled import warn_if_the_same
from ..errors import InputError
from ..evaluation.label_subsets import training_seeds
from ..runs.build import build_encoder, require_backbone
from ..runs.detector import save_detector
from ..runs.results import Result, check_results, results_name, results_of, share, write_results
from ..runs.run_config import load_finished_run
from ..tasks.detection.coco import read_coco
from ..tasks.detection.letterbox import letterbox_size
from ..tasks.detection.metrics import coco_metrics
from ..tasks.detection.model import smallest_anchor
from ..tasks.detection.plots import detection_grid
from ..tasks.detection.train import DetectionConfig, finetune_detector
from ..utils.atomic import atomic_path
from ..utils.extras import require_extra
from ..utils.memory import require_memory

METHODS = ("pretrained", "from scratch")
METRICS = {"mAP": "mean average precision, overlap .50 to .95", "mAP50": "mean average precision, overlap .50"}
Boxes = tuple[str | os.PathLike, str | os.PathLike | None]


def detect_run(
    folder: str | os.PathLike,
    train: Boxes,
    test: Boxes,
    config: DetectionConfig,
    image_size: int = 256,
    label_fraction: float = 1.0,
    seeds: int = 3,
    command: str = "",
) -> list[Result]:
    """Fine-tunes and scores detectors; writes RUN/results/NAME.json and RUN/NAME/.

    The first seed's pretrained detector is saved, with an image of what both detect. NAME is "detection", with the
    share of labels behind it where that is not all.

    Args:
        folder: the run.
        train, test: (path of a .json in the COCO format, folder of its images or None), see `read_coco`.
        config: of the training, the same for all.
        image_size: pixels of the longer side.
        label_fraction: in (0, 1], share of the training images used, others with each seed.
        seeds: how often each method is trained.
        command: the command line, for the results.

    Returns:
        list of `Result`: the two metrics, each with a score per seed for "pretrained" and "from scratch".

    Raises:
        InputError: for a run that is not finished or whose encoder cannot be a backbone, a mistake in the files, or
            other categories in the test file than in the training file.
    """
    started = time.monotonic()
    require_extra("Average precision", "pycocotools")
    run = load_finished_run(folder)
    check_results(run)
    numbers = training_seeds(run.seed, seeds)
    require_backbone(run)
    train_set, test_set = read_coco(*train), read_coco(*test)
    if train_set.class_names != test_set.class_names:
        raise InputError(
            f"{train[0]} and {test[0]} do not have the same categories. "
            f"Received: {', '.join(train_set.class_names)} and {', '.join(test_set.class_names)}"
        )
    warn_if_the_same(train[0], test[0])
    letterbox = letterbox_size(train_set.source.sizes, image_size)
    require_memory(
        config.batch_size * letterbox[0] * letterbox[1] * 3 * 4,
        f"{config.batch_size:,} images on {letterbox[1]:,} x {letterbox[0]:,} pixels",
        f"give a smaller `image_size` or `batch_size`. Received: image_size={image_size}",
    )
    subsets = {seed: train_set.random_share(label_fraction, seed) for seed in numbers}
    first = numbers[0]
    print(
        f"{len(subsets[first]):,} training images of {len(train_set):,}, {len(test_set):,} test images, on "
        f"{letterbox[1]} x {letterbox[0]} pixels.",
        flush=True,
    )
    scores = {metric: {method: [] for method in METHODS} for metric in METRICS}
    detectors, detected = {}, {}
    for seed, subset in subsets.items():
        smallest = smallest_anchor(subset, letterbox)
        print(f"Seed {seed}: {subset.objects:,} boxes to learn from, anchors from {smallest} pixels", flush=True)
        for method in METHODS:
            # From scratch means other weights with each seed.
            encoder = run.encoder if method == "pretrained" else build_encoder(run, seed)
            print(f"Seed {seed}, {method}", flush=True)
            detector = finetune_detector(encoder, subset, letterbox, smallest, config, seed)
            predictions = detector.detect(test_set.source)
            for metric, value in coco_metrics(test_set, predictions).items():
                scores[metric][method].append(value)
                print(f"{metric} {100 * value:.1f} %", flush=True)
            if seed == first:
                detectors[method], detected[method] = detector, predictions
    # A folder and a file for each amount of labels, so that a few and all can stand side by side.
    name = results_name("detection", label_fraction)
    out = save_detector(detectors["pretrained"], run, name)
    with atomic_path(out / "predictions.png") as path:
        detection_grid(test_set, detected).save(path)
    settings = {**dataclasses.asdict(config), "letterbox": list(letterbox), "label_fraction": label_fraction}
    figures = {text: scores[metric] for metric, text in METRICS.items()}
    task, data = f"Object detection, {share(label_fraction)}", f"{train[0]} -> {test[0]}"
    results = results_of(task, figures, data, settings, started, command)
    write_results(run, name, results)
    return results

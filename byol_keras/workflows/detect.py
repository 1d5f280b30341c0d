"""What `byol-keras detect` does: the backbone of a run beside the same from scratch, in a detector."""

import dataclasses
import time

from ..errors import InputError
from ..evaluation.label_subsets import training_seeds
from ..models.keras_cv_backbone import keras_cv_backbone
from ..runs.build import build_encoder
from ..runs.detector import save_detector
from ..runs.load import load_encoder
from ..runs.results import Result, results_name, share, write_results
from ..runs.run import load_run
from ..tasks.detection.coco import read_coco
from ..tasks.detection.letterbox import letterbox_size
from ..tasks.detection.metrics import average_precision
from ..tasks.detection.model import smallest_anchor
from ..tasks.detection.plots import detection_grid
from ..tasks.detection.train import fine_tuned_detector
from ..utils.atomic import atomic_path
from ..utils.extras import require_extra

METRICS = {"mAP": "mean average precision, overlap .50 to .95", "mAP50": "mean average precision, overlap .50"}


def detect_run(folder, train, test, schedule, image_size=256, label_fraction=1.0, seeds=3, command=""):
    """Fine-tunes and scores detectors; writes RUN/results/NAME.json and RUN/NAME/.

    Kept and drawn are those of the first seed. NAME is "detection", with the share of labels behind it where that is
    not all.

    Args:
        folder: the run.
        train, test: (path of a .json in the COCO format, folder of its images or None), see `read_coco`.
        schedule: `Schedule`, the same for all.
        image_size: int, pixels of the longer side.
        label_fraction: float in (0, 1], share of the training images used, others with each seed.
        seeds: int, how often each method is trained.
        command: str, for the results to say how they came about.

    Returns:
        list of `Result`: the two metrics, each with a score a seed for "pretrained" and "from scratch".

    Raises:
        InputError: for a run that is not finished or whose encoder cannot be a backbone, a mistake in the files, or
            other categories in the test file than in the training file.
    """
    start = time.monotonic()
    if seeds < 1:
        raise InputError(f"--seeds must be a whole number from 1. Received: {seeds}")
    require_extra("Average precision", "pycocotools")
    run = load_run(folder)
    pretrained = load_encoder(folder)
    keras_cv_backbone(pretrained)  # Refuses what cannot be a backbone before anything else is done.
    boxed, test_boxed = read_coco(*train), read_coco(*test)
    if boxed.class_names != test_boxed.class_names:
        raise InputError(
            f"{train[0]} and {test[0]} do not have the same categories. "
            f"Received: {', '.join(boxed.class_names)} and {', '.join(test_boxed.class_names)}"
        )
    letterbox = letterbox_size(boxed.source.sizes, image_size)
    shares = {seed: boxed.share(label_fraction, seed) for seed in training_seeds(run.seed, seeds)}
    first = next(iter(shares))
    print(
        f"{len(shares[first]):,} training images of {len(boxed):,}, {len(test_boxed):,} test images, on "
        f"{letterbox[1]} x {letterbox[0]} pixels.",
        flush=True,
    )
    methods = ("pretrained", "from scratch")  # the first is the one that is kept
    scores = {metric: {method: [] for method in methods} for metric in METRICS}
    drawn, kept = {}, None
    for seed, chosen in shares.items():
        smallest = smallest_anchor(chosen, letterbox)
        print(f"Seed {seed}: {chosen.objects:,} boxes to learn from, anchors from {smallest} pixels", flush=True)
        for method in methods:
            # From scratch means other weights with each seed.
            fresh = dataclasses.replace(run, seed=seed)
            encoder = pretrained if method == "pretrained" else build_encoder(fresh)
            print(f"Seed {seed}, {method}", flush=True)
            detector = fine_tuned_detector(encoder, chosen, letterbox, smallest, schedule, seed)
            found = detector.detect(test_boxed.source)
            for metric, value in average_precision(test_boxed, found).items():
                scores[metric][method].append(value)
                print(f"{metric} {100 * value:.1f} %", flush=True)
            if seed == first:
                drawn[method] = found
                kept = kept or detector
    # A folder and a file for each amount of labels, so that a few and all can stand side by side.
    name = results_name("detection", label_fraction)
    out = save_detector(kept, run, name)
    with atomic_path(out / "predictions.png") as path:
        detection_grid(test_boxed, drawn).save(path)
    settings = {**dataclasses.asdict(schedule), "letterbox": list(letterbox), "label_fraction": label_fraction}
    results = [
        Result(
            f"Object detection, {share(label_fraction)}",
            text,
            f"{train[0]} -> {test[0]}",
            scores[metric],
            settings,
            round(time.monotonic() - start, 1),
            command,
        )
        for metric, text in METRICS.items()
    ]
    write_results(run, name, results)
    return results

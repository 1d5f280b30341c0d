"""Average precision as the COCO data set defines it, by its own tool."""

import contextlib
import io
from collections.abc import Sequence

import numpy as np

from .coco import coco_index
from .dataset import DetectionDataset


def coco_metrics(
    dataset: DetectionDataset, detections: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> dict[str, float]:
    """Mean over the classes of the average precision.

    Args:
        dataset: `DetectionDataset`, N images with the true boxes.
        detections: N tuples of boxes, classes and scores, see `Detector.detect`.

    Returns:
        dict: "mAP", the mean over the overlaps .50, .55 to .95 that a detection needs to count, and "mAP50", with .50;
        floats from 0 to 1.

    Raises:
        InputError: when pycocotools is not installed.

    Example:
        bk.tasks.coco_metrics(dataset, detector.detect(dataset.source))["mAP50"]
    """
    truth, found = coco_index(_truth(dataset)), _found(detections)
    from pycocotools.cocoeval import COCOeval

    if not found:
        return {"mAP": 0.0, "mAP50": 0.0}
    with contextlib.redirect_stdout(io.StringIO()):  # It tells of every step.
        evaluated = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluated.evaluate()
        evaluated.accumulate()
        evaluated.summarize()
    return {"mAP": float(evaluated.stats[0]), "mAP50": float(evaluated.stats[1])}


def _truth(dataset):
    annotations = []
    for image, objects in enumerate(zip(dataset.boxes, dataset.classes, dataset.crowd, strict=True)):
        for box, label, is_crowd in zip(*objects, strict=True):
            bbox = _left_top_width_height(box)
            annotations.append(
                {
                    # From 1: the tool takes a match with annotation 0 for none.
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(label),
                    "bbox": bbox,
                    "area": bbox[2] * bbox[3],
                    "iscrowd": int(is_crowd),
                }
            )
    return {
        "images": [{"id": image} for image in range(len(dataset))],
        "categories": [{"id": label, "name": name} for label, name in enumerate(dataset.class_names)],
        "annotations": annotations,
    }


def _found(detections):
    return [
        {"image_id": image, "category_id": int(label), "bbox": _left_top_width_height(box), "score": float(score)}
        for image, objects in enumerate(detections)
        for box, label, score in zip(*objects, strict=True)
    ]


def _left_top_width_height(box):
    left, top, right, bottom = np.asarray(box, np.float64).tolist()
    return [left, top, right - left, bottom - top]

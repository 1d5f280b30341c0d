"""Average precision as the COCO data set defines it, by its own tool."""

import contextlib
import io

import numpy as np

from ...utils.extras import require_extra


def average_precision(boxed, found):
    """Mean over the classes of the average precision.

    Args:
        boxed: `DetectionDataset`, N images with the true boxes.
        found: N tuples of boxes, classes and scores, see `Detector.detect`.

    Returns:
        dict: "mAP", the mean over the overlaps .50, .55 to .95 that a detection needs to count, and "mAP50", with .50;
        floats from 0 to 1.

    Raises:
        InputError: when pycocotools is not installed.
    """
    require_extra("Average precision", "pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    detections = _detections(found)
    if not detections:
        return {"mAP": 0.0, "mAP50": 0.0}
    truth = COCO()
    truth.dataset = _truth(boxed)
    with contextlib.redirect_stdout(io.StringIO()):  # It tells of every step.
        truth.createIndex()
        judged = COCOeval(truth, truth.loadRes(detections), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return {"mAP": float(judged.stats[0]), "mAP50": float(judged.stats[1])}


def _truth(boxed):
    annotations = []
    for image, (boxes, classes, crowd) in enumerate(zip(boxed.boxes, boxed.classes, boxed.crowd, strict=True)):
        for box, label, is_crowd in zip(boxes, classes, crowd, strict=True):
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
        "images": [{"id": image} for image in range(len(boxed))],
        "categories": [{"id": label, "name": name} for label, name in enumerate(boxed.class_names)],
        "annotations": annotations,
    }


def _detections(found):
    return [
        {"image_id": image, "category_id": int(label), "bbox": _left_top_width_height(box), "score": float(score)}
        for image, detections in enumerate(found)
        for box, label, score in zip(*detections, strict=True)
    ]


def _left_top_width_height(box):
    left, top, right, bottom = np.asarray(box, np.float64).tolist()
    return [left, top, right - left, bottom - top]

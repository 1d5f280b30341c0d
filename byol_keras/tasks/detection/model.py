"""RetinaNet of keras-cv (Lin et al. 2017, arXiv 1708.02002) on the backbone of an encoder."""

import keras
import numpy as np

from ...models.keras_cv_backbone import keras_cv_backbone
from .dataset import DetectionDataset
from .letterbox import to_letterbox

BOX_FORMAT = "xyxy"
STRIDES = (8, 16, 32, 64, 128)
SCALES = (1, 2 ** (1 / 3), 2 ** (2 / 3))
RATIOS = (0.5, 1.0, 2.0)
# The paper's pyramid and heads have 256 filters and 4 convolutions. On a CPU they cost several times what the
# backbone does.
FILTERS = 64
HEAD_CONVOLUTIONS = 2
# The paper's: at first every anchor is background with this doubt.
PRIOR = 0.01
# Average precision counts unsure detections too. keras-cv's own threshold is 0.5.
LEAST_SCORE = 0.01
OVERLAP = 0.5
MOST_DETECTIONS = 100
# Pixels: the smallest anchor of the paper, and the least that cells of 8 pixels can tell apart.
LARGEST_START, SMALLEST_START = 32.0, 8.0
SMALL_BOXES = 10  # percent


def smallest_anchor(dataset: DetectionDataset, letterbox: tuple[int, int]) -> float:
    """The side of the smallest square anchor, in pixels of the letterbox: as one in ten of the boxes is smaller.

    Between 8 and the paper's 32 pixels. The anchors of each further level are twice as large.

    Args:
        dataset: `DetectionDataset` to train on.
        letterbox: (height, width).

    Returns:
        float.

    Example:
        smallest = bk.tasks.smallest_anchor(dataset, letterbox)
    """
    sides = []
    for boxes, crowd, size in zip(dataset.boxes, dataset.crowd, dataset.source.sizes, strict=True):
        left, top, right, bottom = to_letterbox(boxes[~crowd], size, letterbox).T
        sides.append(np.sqrt((right - left) * (bottom - top)))
    side = np.percentile(np.concatenate(sides), SMALL_BOXES)
    return round(float(np.clip(side, SMALLEST_START, LARGEST_START)), 1)


def build_retinanet(encoder: keras.Model, num_classes: int, smallest: float) -> keras.Model:
    """A detector with the weights of an encoder in its backbone, the rest fresh; by the global dtype policy.

    Args:
        encoder: see `keras_cv_backbone`.
        num_classes: int, C.
        smallest: float, see `smallest_anchor`.

    Returns:
        keras_cv.models.RetinaNet, (B, H, W, 3) float32 as `keras_cv_backbone.normalized` makes them -> "box" and
        "classification". `decode_predictions` gives at most 100 boxes (left, top, right, bottom) per image, with
        "classes" and "confidence".

    Raises:
        InputError: for an encoder that cannot be a backbone.
    """
    import keras_cv

    backbone = keras_cv_backbone(encoder)
    # Of float32 under every policy: bfloat16 would round the corners to whole pixels and worse.
    anchors = keras_cv.layers.AnchorGenerator(
        BOX_FORMAT,
        sizes=[smallest * 2.0**level for level in range(len(STRIDES))],
        scales=list(SCALES),
        aspect_ratios=list(RATIOS),
        strides=list(STRIDES),
        clip_boxes=True,
        dtype="float32",
    )
    decoder = keras_cv.layers.MultiClassNonMaxSuppression(
        BOX_FORMAT,
        from_logits=True,
        iou_threshold=OVERLAP,
        confidence_threshold=LEAST_SCORE,
        max_detections=MOST_DETECTIONS,
        dtype="float32",
    )
    kinds = len(SCALES) * len(RATIOS)
    return keras_cv.models.RetinaNet(
        backbone=backbone,
        num_classes=num_classes,
        bounding_box_format=BOX_FORMAT,
        label_encoder=keras_cv.models.retinanet.LabelEncoder(BOX_FORMAT, anchors, dtype="float32"),
        prediction_decoder=decoder,
        feature_pyramid=_pyramid(backbone),
        classification_head=_head(kinds * num_classes, -np.log((1 - PRIOR) / PRIOR), "classification_head"),
        box_head=_head(kinds * 4, 0.0, "box_head"),
    )


def _pyramid(backbone):
    """The feature pyramid of the paper, levels 3 to 7, with FILTERS filters."""

    def convolution(name, size=3, stride=1):
        return keras.layers.Conv2D(FILTERS, size, strides=stride, padding="same", name=name)

    levels = {}
    for level in ("P3", "P4", "P5"):
        features = backbone.get_layer(backbone.pyramid_level_inputs[level]).output
        levels[level] = keras.Input((None, None, features.shape[-1]), name=level)
    enlarge = keras.layers.UpSampling2D(2, name="enlarge")
    p5 = convolution("side_5", 1)(levels["P5"])
    p4 = keras.layers.Add(name="sum_4")([convolution("side_4", 1)(levels["P4"]), enlarge(p5)])
    p3 = keras.layers.Add(name="sum_3")([convolution("side_3", 1)(levels["P3"]), enlarge(p4)])
    p6 = convolution("level_6", stride=2)(levels["P5"])
    p7 = convolution("level_7", stride=2)(keras.layers.ReLU(name="relu_6")(p6))
    outputs = [convolution("level_3")(p3), convolution("level_4")(p4), convolution("level_5")(p5), p6, p7]
    return keras.Model(levels, outputs, name="feature_pyramid")


def _head(filters, bias, name):
    """Convolutions that all levels share."""
    layers = [
        keras.layers.Conv2D(FILTERS, 3, padding="same", activation="relu", kernel_initializer="he_normal")
        for _ in range(HEAD_CONVOLUTIONS)
    ]
    last = keras.layers.Conv2D(
        filters,
        3,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(bias),
    )
    return keras.Sequential([keras.Input((None, None, FILTERS)), *layers, last], name=name)

"""Images with boxes drawn on them."""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from ...data.decode import decode
from ...data.images import evenly
from .dataset import DetectionDataset

GAP = 6
TEXT = 12
# One for each class, in turn.
COLORS = ("#ff3b30", "#34c759", "#0a84ff", "#ffcc00", "#bf5af2", "#64d2ff", "#ff9f0a", "#ff2d92")
# Surer than this is drawn: at 0.01 an image would be all boxes.
DRAWN_SCORE = 0.3


def detection_grid(
    dataset: DetectionDataset, columns: Mapping[str, Sequence], count: int = 6, width: int = 320
) -> Image.Image:
    """A grid: a row for each image, the true boxes at the left, beside them what was found.

    Args:
        dataset: `DetectionDataset` from files; `count` of those with objects are drawn, evenly taken.
        columns: dict of title -> N detections, see `Detector.detect`; those with a score of at least 0.3 are drawn.
        count: int, rows at most.
        width: int, pixels of an image in the grid.

    Returns:
        PIL.Image, RGB.

    Example:
        bk.tasks.detection_grid(dataset, {"found": detector.detect(dataset.source)}).save("detections.png")
    """
    with_objects = [i for i, crowd in enumerate(dataset.crowd) if (~crowd).any()]
    chosen = [with_objects[i] for i in evenly(len(with_objects), count)]
    rows = []
    for i in chosen:
        image = Image.fromarray(decode(dataset.source.paths[i]))
        is_object = ~dataset.crowd[i]
        truth = (dataset.boxes[i][is_object], dataset.classes[i][is_object], None)
        rows.append([_drawn(image, *part, dataset.class_names, width) for part in (truth, *_sure(columns, i))])
    return _grid(["truth", *columns], rows, width)


def _sure(columns, i):
    for detections in columns.values():
        boxes, classes, scores = detections[i]
        sure = scores >= DRAWN_SCORE
        yield boxes[sure], classes[sure], scores[sure]


def _drawn(image, boxes, classes, scores, names, width):
    scale = width / image.width
    image = image.resize((width, max(1, round(image.height * scale))), Image.Resampling.BICUBIC)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(TEXT)
    for i, (box, label) in enumerate(zip(boxes, classes, strict=True)):
        color = COLORS[label % len(COLORS)]
        left, top, right, bottom = (float(side) * scale for side in box)
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=color, width=2)
        text = names[label] if scores is None else f"{names[label]} {scores[i]:.2f}"
        place = (left + 2, max(0.0, top - TEXT - 3))
        draw.rectangle(draw.textbbox(place, text, font=font), fill=color)
        draw.text(place, text, fill="black", font=font)
    return image


def _grid(titles, rows, width):
    heights = [max(image.height for image in row) for row in rows]
    head = TEXT + 2 * GAP
    size = (len(titles) * (width + GAP) + GAP, head + sum(heights) + GAP * len(heights))
    grid = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(grid), ImageFont.load_default(TEXT)
    for x, title in enumerate(titles):
        draw.text((GAP + x * (width + GAP), GAP), title, fill="black", font=font)
    top = head
    for row, height in zip(rows, heights, strict=True):
        for x, image in enumerate(row):
            grid.paste(image, (GAP + x * (width + GAP), top))
        top += height + GAP
    return grid

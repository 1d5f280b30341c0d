"""The check of a whole source: every image is decoded once, and the pixels are held in memory when that is possible."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..utils.memory import available_memory
from ..utils.progress import Shown, print_beside, progress
from ..utils.texts import Texts
from .broken import refuse_mostly_broken
from .channels import one_number_of_channels
from .check_cache import VALID, CheckCache, file_stamps, unchecked
from .decode import Check, check, reason_of
from .encoded import EncodedImages
from .held_shape import shape_to_hold
from .images import ImageSource
from .rasters.raster_reading import RasterReading
from .rgb import low_range_line

MEMORY_BUDGET = 2 * 1024**3  # bytes of pixels, or of encoded images, that a source may hold

_BLOCK = 32  # images that a thread takes at a time


class Checked(NamedTuple):
    """What `check_each` found out about N images, of which M can be decoded.

    Attributes:
        valid: (M,) int64, the indices of those that can.
        images: (M, H, W, 3) uint8, of rasters (M, H, W, C) uint16, their pixels, or None.
        jpeg: (M,) bool, see `ImageSource`.
        orientations: (M,) int32, see `ImageSource`.
        gray: (M,) bool, see `ImageSource`.
        sizes: (M, 2) int32, height and width in pixels.
        channels: (M,) int, of rasters as many as each has; of other images 3.
        broken: (name, reason) of each of the others.
        reading: of rasters, or None.
    """

    valid: np.ndarray
    images: np.ndarray | None
    jpeg: np.ndarray
    orientations: np.ndarray
    gray: np.ndarray
    sizes: np.ndarray
    channels: np.ndarray
    broken: tuple[tuple[str, str], ...]
    reading: RasterReading | None

    def source(
        self,
        names: Sequence[str],
        paths: Sequence[str] | None = None,
        encoded: EncodedImages | None = None,
        labels: np.ndarray | None = None,
        class_names: tuple[str, ...] | None = None,
    ) -> ImageSource:
        """The valid images as a source.

        Args:
            names: N texts.
            paths: N absolute paths, or None.
            encoded: N of them, or None; not held where the pixels are.
            labels: (N,) int, or None. -1 marks an image without a label; one such image, and the source has no labels.
            class_names: the name of each label, or None.

        Returns:
            ImageSource of M images.

        Raises:
            InputError: where they are rasters that differ in their channels.
        """

        def texts(values):
            return None if values is None else Texts.of(values)[self.valid]

        reading = self.reading
        if reading is not None:
            reading = replace(reading, channels=one_number_of_channels(self.channels, texts(names)))
        labels = None if labels is None else np.asarray(labels, np.int64)[self.valid]
        if labels is None or (labels < 0).any():
            labels = class_names = None
        return ImageSource(
            names=texts(names),
            sizes=self.sizes,
            labels=labels,
            class_names=class_names,
            images=self.images,
            paths=texts(paths),
            encoded=encoded[self.valid] if encoded is not None and self.images is None else None,
            jpeg=self.jpeg,
            orientations=self.orientations,
            gray=self.gray,
            decoded_channels=3 if reading is None else reading.channels,
            reading=reading,
            broken=self.broken,
        )


def check_all(
    sources: Sequence[str | bytes],
    names: Sequence[str],
    where: str | os.PathLike,
    memory_budget: int = MEMORY_BUDGET,
    cache: CheckCache | None = None,
    reading: RasterReading | None = None,
) -> Checked:
    """Decodes every image once, as `check_each`, and refuses a source of which too little is left.

    Args:
        sources, names, where, memory_budget, cache, reading: as for `check_each`.

    Returns:
        Checked, of M >= 1 images.

    Raises:
        InputError: when no image is left, or when more than one is broken and these are more than MAX_BROKEN_SHARE of
            all: one bad file is an accident, so many are a wrong folder or a copy that was cut off.
    """
    checked = check_each(sources, names, where, memory_budget, cache=cache, reading=reading)
    refuse_mostly_broken(where, checked.broken, len(sources))
    return checked


def check_each(
    sources: Sequence[str | bytes],
    names: Sequence[str],
    where: str | os.PathLike,
    memory_budget: int = MEMORY_BUDGET,
    shown: Shown = progress,
    cache: CheckCache | None = None,
    reading: RasterReading | None = None,
) -> Checked:
    """Decodes every image once, in threads, and tells those that can be decoded from those that cannot.

    The decoded pixels are held when all images have one size and fit into `memory_budget` and half of the memory there
    is, N * H * W * 3 bytes, of rasters N * H * W * C * 2, and are dropped as soon as another size turns up. Beside
    these and an index, memory is needed for the images that are being decoded: `decode.DECODE_BUDGET`, or one image
    where that needs more.

    With a cache, files that it knows are decoded only where their pixels are to be held. What is found of the others is
    saved there now and then, and when the check is ended, by Ctrl-C as well: it goes on from there the next time.

    Says on stderr how many 16-bit images use only the low end of their range.

    Args:
        sources: N paths, or `EncodedImages`, N of them.
        names: N texts, for `broken`.
        where: text that names the source while it is checked.
        memory_budget: int, bytes.
        shown: shows how far it is, see `embed`.
        cache: `CheckCache` of what the names belong to, or None; with paths or `ContainedImages` only.
        reading: of rasters, or None.

    Returns:
        Checked, of M >= 0 images.
    """
    count, lasting, reasons = len(sources), None, ()
    found = unchecked(count)
    if cache is not None:
        names = Texts.of(names)
        stamps, lasting = file_stamps(sources)
        found, reasons = cache.known(names, stamps)
    reasons = {text: number for number, text in enumerate(reasons)}
    memory_budget = min(memory_budget, available_memory() // 2)  # the other half is for the work
    budget = memory_budget if reading is None else memory_budget // 2  # in values
    held_shape = shape_to_hold(lambda index: check_at(sources, index, reading=reading), found, budget)
    images = None if held_shape is None else np.empty((count, *held_shape), np.uint8 if reading is None else np.uint16)
    held_size = None if held_shape is None else held_shape[:2]
    todo = np.flatnonzero(~found["checked"]) if images is None else np.arange(count)
    is_new = False

    def check_block(start):
        # held_size and images are looked up when the block's turn comes: by then it may be known that none are held.
        return [(index, *check_one(index)) for index in todo[start : start + _BLOCK].tolist()]

    def check_one(index):
        size, target = held_size, images
        if size is None and found[index]["checked"]:
            return None, False
        result = check_at(sources, index, size, reading)
        if target is not None and result.pixels is not None and result.pixels.shape == target.shape[1:]:
            target[index] = result.pixels
            return result._replace(pixels=None), True
        return result._replace(pixels=None), False

    def save():
        # Not what may be otherwise the next time.
        saved = found.copy()
        saved["checked"] &= lasting
        cache.save(names, stamps, saved, tuple(reasons))

    pool = ThreadPoolExecutor()
    try:
        blocks = pool.map(check_block, range(0, len(todo), _BLOCK))
        results = (result for block in blocks for result in block)
        for index, result, held in shown(results, len(todo), f"Checking {where}"):
            if result is None:
                continue
            if cache is not None:
                lasting[index] &= not result.is_passing
                is_new |= bool(lasting[index] and not found[index]["checked"])
            if result.reason is not None:
                found[index] = True, False, False, False, 0, (0, 0), 0, reasons.setdefault(result.reason, len(reasons))
                continue
            if not held:
                images = held_size = None
            flags = result.jpeg, result.low_range, result.gray
            found[index] = True, *flags, result.orientation, result.size, result.channels, VALID
            if is_new and cache.is_due():
                save()
    finally:
        pool.shutdown(cancel_futures=True)  # Without it, Ctrl-C would wait until every image is checked.
        if is_new:
            save()

    is_valid = found["reason"] == VALID
    valid, texts = np.flatnonzero(is_valid), list(reasons)
    if low_range := np.count_nonzero(found["low_range"][valid]):
        print_beside(f"{where}: {low_range_line(low_range, len(valid), reading is not None)}")
    return Checked(
        valid=valid,
        images=None if images is None else _without_gaps(images, valid),
        jpeg=found["jpeg"][valid],
        orientations=found["orientation"][valid].astype(np.int32),
        gray=found["gray"][valid],
        sizes=np.ascontiguousarray(found["size"][valid]),
        channels=found["channels"][valid].astype(int),
        broken=tuple((names[i], texts[found[i]["reason"]]) for i in np.flatnonzero(~is_valid)),
        reading=reading,
    )


def check_at(
    contents: Sequence[str | bytes],
    index: int,
    held_size: tuple[int, int] | None = None,
    reading: RasterReading | None = None,
) -> Check:
    """As `decode.check`, of one of several images; that it cannot be read is a reason as well.

    Args:
        contents: paths, byte strings or `EncodedImages`.
        index: int.
        held_size: as for `check`.
        reading: of rasters, or None.

    Returns:
        Check.
    """
    try:
        content = contents[index]
    except (OSError, InputError) as error:
        return Check(reason=reason_of(error))
    return (check if reading is None else reading.check)(content, held_size)


def _without_gaps(images, valid):
    """The rows `valid` of an array, in its own memory."""
    for place, index in enumerate(valid):
        if place != index:
            images[place] = images[index]
    return images[: len(valid)]

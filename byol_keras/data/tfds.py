"""A data set of TensorFlow Datasets (TFDS) as a source."""

import contextlib
import os
import sys
import textwrap

import numpy as np

from ..errors import InputError
from ..utils.extras import has_extra
from ..utils.progress import progress
from ..utils.quiet import quiet_logging
from ..utils.texts import Texts
from .check_cache import CheckCache
from .containers.tfds_records import FORMAT, TfdsRecords
from .encoded import MemoryImages
from .images import ImageSource
from .validate import MEMORY_BUDGET, check_all


def from_tfds(
    name: str,
    split: str = "train",
    data_dir: str | os.PathLike | None = None,
    memory_budget: int = MEMORY_BUDGET,
    hold_pixels: bool = True,
) -> ImageSource:
    """The images of a TFDS data set's feature `image`, labeled by its feature `label` where it has one.

    Downloads the data set when it is not on the disk yet, and prepares it as ArrayRecord, which is read at random: of
    such a data set nothing has to fit in memory. One that has been prepared as TFRecord, as TFDS does by default, is
    read into memory.

    Args:
        name: as TFDS names it: `cifar10`, `imagenette/320px`.
        split: as TFDS names it: `train`, `train[:10%]`, `train+test`.
        data_dir: path where the data sets are; None for TFDS' own choice: TFDS_DATA_DIR or ~/tensorflow_datasets.
        memory_budget: int, bytes to hold at most: of the pixels if these are held, and of the encoded images of a
            TFRecord.
        hold_pixels: whether the pixels are held, in place of the encoded images, when all have one size and fit.

    Returns:
        ImageSource in the order on the disk, RGB, with `images` when all have one size and fit, else with `encoded`.

    Raises:
        InputError: for an unknown name or split, a failed download, no `image`, or a TFRecord of more than
            `memory_budget`.

    Example:
        source = bk.data.from_tfds("cifar10", split="test")
    """
    import tensorflow_datasets as tfds

    where = f"tfds:{name}:{split}"
    with _quiet(tfds):
        builder = _prepared(tfds, name, data_dir)
        label = _features(builder).get("label")
        if label is not None and (label.shape != () or not np.issubdtype(label.np_dtype, np.integer)):
            label = None  # several labels, or no classes at all
        images, labels = _read(tfds, builder, split, label is not None, where, memory_budget)
        names, pixel_budget = Texts.of(map(str, range(len(images)))), memory_budget if hold_pixels else 0
        if isinstance(images, TfdsRecords):
            checked = check_all(images, names, where, pixel_budget, CheckCache(os.path.join(builder.data_dir, split)))
            labels = images.labels(checked.valid, where)
        else:
            checked = check_all(images, names, where, pixel_budget)
    class_names = tuple(label.names) if isinstance(label, tfds.features.ClassLabel) else None
    # TFDS, too, marks what is not labeled with -1.
    return checked.source(names, encoded=images, labels=labels, class_names=class_names)


def _read(tfds, builder, split, is_labeled, where, memory_budget):
    """The images, `TfdsRecords` or in memory, and of those in memory the labels."""
    try:
        if FORMAT in {format.value for format in builder.info.available_file_formats()}:
            return TfdsRecords(builder, split, is_labeled), None
        wanted = {"image": True, "label": True} if is_labeled else {"image": True}
        dataset = builder.as_dataset(
            split=split,
            shuffle_files=False,
            decoders=tfds.decode.PartialDecoding(wanted, decoders={"image": tfds.decode.SkipDecoding()}),
            read_config=tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1),
        )
        count = int(dataset.cardinality())
    except Exception as error:  # TFDS raises one type or another by what is wrong with the split's name.
        name = where.removesuffix(f":{split}")
        raise InputError(f"Cannot read the split {split} of {name}: {_one_line(error)}") from error

    encoded, labels, held = [], [], 0
    for example in progress(tfds.as_numpy(dataset), count, f"Reading {where}"):
        encoded.append(example["image"])
        labels.append(example.get("label", -1))
        held += len(example["image"])
        if held > memory_budget:
            raise InputError(
                f"{where} takes more than {memory_budget / 2**30:.3g} GiB of memory: write its images out as a folder "
                f"and give that, or set TFDS_DATA_DIR to another folder, where it is prepared as {FORMAT} and need not "
                f"fit. Received: {builder.info.file_format.value} in {builder.data_dir}"
            )
    return MemoryImages(encoded), labels


def _prepared(tfds, name, data_dir):
    """The data set's builder, its data on the disk."""
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        raise InputError(
            f"TensorFlow Datasets has no data set named {name!r}, on the disk or in its list: "
            "see https://www.tensorflow.org/datasets/catalog/overview"
        ) from None
    except Exception as error:  # a version or configuration that there is not, a missing package, ...
        raise InputError(f"Cannot open tfds:{name}: {_one_line(error)}") from error
    features = _features(builder)
    image = features.get("image")
    if not isinstance(image, tfds.features.Image) or image.np_dtype not in (np.uint8, np.uint16):
        raise InputError(f"tfds:{name} has no images named image. Received: {', '.join(sorted(features))}")
    try:
        # The data set's own site: the copies in TFDS' bucket are incomplete and slow to find missing.
        config = tfds.download.DownloadConfig(try_download_gcs=False)
        format = FORMAT if has_extra("array_record") else None
        builder.download_and_prepare(download_config=config, file_format=format)
    except Exception as error:  # no network, a moved file, a full disk, files to be fetched by hand, ...
        raise InputError(f"Cannot get tfds:{name}: {type(error).__name__}: {_one_line(error)}") from error
    return builder


def _features(builder):
    return dict(builder.info.features.items())


@contextlib.contextmanager
def _quiet(tfds):
    """Keeps standard output clean, and what TFDS logs about its own code and each retried connection to itself."""
    bars = sys.stderr.isatty()
    if not bars:
        tfds.disable_progress_bar()
    try:
        with quiet_logging("absl", "urllib3"):
            yield
    finally:
        if not bars:
            tfds.enable_progress_bar()


def _one_line(error):
    return textwrap.shorten(str(error), 400) or type(error).__name__

"""A data set of TensorFlow Datasets (TFDS) as a source."""

import contextlib
import os
import sys
import textwrap

import numpy as np

from ..errors import InputError
from ..utils.progress import progress
from ..utils.quiet import quiet_logging
from .encoded import MemoryImages
from .images import ImageSource
from .validate import MEMORY_BUDGET, check_all


def from_tfds(
    name: str,
    split: str = "train",
    data_dir: str | os.PathLike | None = None,
    memory_budget: int = MEMORY_BUDGET,
) -> ImageSource:
    """The images of a TFDS data set's feature `image`, labeled by its feature `label` where it has one.

    Downloads the data set when it is not on the disk yet.

    Args:
        name: as TFDS names it: `cifar10`, `imagenette/320px`.
        split: as TFDS names it: `train`, `train[:10%]`, `train+test`.
        data_dir: path where the data sets are; None for TFDS' own choice: TFDS_DATA_DIR or ~/tensorflow_datasets.
        memory_budget: int, bytes to hold at most: of the encoded images, and of the pixels if these are held.

    Returns:
        ImageSource in the order on the disk, RGB, with `images` when all have one size and fit, else with `encoded`.

    Raises:
        InputError: for an unknown name or split, a failed download, no `image`, or more than `memory_budget`.

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
        wanted = {"image": True} if label is None else {"image": True, "label": True}
        try:
            dataset = builder.as_dataset(
                split=split,
                shuffle_files=False,
                decoders=tfds.decode.PartialDecoding(wanted, decoders={"image": tfds.decode.SkipDecoding()}),
                read_config=tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1),
            )
            count = int(dataset.cardinality())
        except Exception as error:  # TFDS raises one type or another by what is wrong with the split's name.
            raise InputError(f"Cannot read the split {split} of tfds:{name}: {_one_line(error)}") from error

        encoded, labels, held = [], [], 0
        for example in progress(tfds.as_numpy(dataset), count, f"Reading {where}"):
            encoded.append(example["image"])
            labels.append(example.get("label", -1))
            held += len(example["image"])
            if held > memory_budget:
                raise InputError(
                    f"{where} takes more than {memory_budget / 2**30:.3g} GiB of memory: "
                    "write its images out as a folder and give that"
                )

    encoded = MemoryImages(encoded)
    names = [str(i) for i in range(len(encoded))]
    checked = check_all(encoded, names, where, memory_budget)
    class_names = tuple(label.names) if isinstance(label, tfds.features.ClassLabel) else None
    # TFDS, too, marks what is not labeled with -1.
    return checked.source(names, encoded=encoded, labels=labels, class_names=class_names)


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
        builder.download_and_prepare(download_config=config)
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

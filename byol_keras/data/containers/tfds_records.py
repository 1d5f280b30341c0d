"""The images of a TFDS data set that is stored as ArrayRecord, whose records can be read in any order."""

from collections.abc import Sequence

import numpy as np

from ...errors import InputError, first_line
from ...utils.progress import progress
from ..encoded import ContainedImages

FORMAT = "array_record"  # as TFDS names it

_UNREAD = np.iinfo(np.int64).min


class TfdsRecords(ContainedImages):
    """The feature `image` of a split, encoded as it was stored, read record by record.

    A record can be read as a whole only, so that each label is noted on the way of its image.

    Args:
        builder: TFDS' builder of a data set of which there are files in FORMAT.
        split: as TFDS names it.
        is_labeled: whether the feature `label` is noted.

    Raises:
        Exception: of some type, by what is wrong with the split's name.
    """

    def __init__(self, builder, split: str, is_labeled: bool):
        import tensorflow_datasets as tfds

        # Not SkipDecoding, with which all other features would be decoded.
        method = tfds.decode.DeserializeMethod.DESERIALIZE_NO_DECODE
        if not builder.info.splits[split].num_examples:
            raise ValueError("it holds no data")
        self._records = builder.as_data_source(split, deserialize_method=method, file_format=FORMAT)
        parts = builder.info.splits[split].file_instructions
        super().__init__([part.filename for part in parts], np.repeat(np.arange(len(parts)), [p.take for p in parts]))
        self._labels = np.full(len(self), _UNREAD) if is_labeled else None

    def take(self, indices: Sequence[int] | np.ndarray) -> list[bytes]:
        return [self._image(int(index)) for index in indices]

    def labels(self, indices: np.ndarray, where: str) -> np.ndarray | None:
        """The labels of some of the images; records that have not been read yet are.

        Args:
            indices: (n,) int.
            where: text that names the split while it is read.

        Returns:
            (N,) int64, -1 for all the others, or None where they are not noted.

        Raises:
            InputError: where one cannot be read.
        """
        if self._labels is None:
            return None
        unread = indices[self._labels[indices] == _UNREAD]
        if len(unread):
            for index in progress(unread.tolist(), len(unread), f"Reading the labels of {where}"):
                self._image(index)
        labels = np.full(len(self), -1)
        labels[indices] = self._labels[indices]
        return labels

    def _image(self, index):
        try:
            features = self._records[index].features.feature
            image = features["image"].bytes_list.value[0]
            if self._labels is not None:
                self._labels[index] = features["label"].int64_list.value[0]
        except Exception as error:  # of ArrayRecord, of protobuf, or of a record without these features
            raise InputError(f"its record cannot be read: {first_line(error)}") from error
        return image

"""Texts as whole numbers: their bytes, or their words by a hash. 0 is padding."""

import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np

from ..errors import InputError

# Ids from 1 on are a text's own; the next is for what a view masks.
BYTES = 256
WORD = re.compile(r"\w+|[^\w\s]")


def byte_ids(texts: Sequence[str], length: int) -> np.ndarray:
    """The bytes of texts in UTF-8, each plus 1.

    Args:
        texts: N of them.
        length: L from 1; what is longer is cut off.

    Returns:
        (N, L) int32 from 1 to 256, padded at the end with 0.

    Raises:
        InputError: for a single text in place of several, a text of length 0, or another length.

    Example:
        ids = bk.data.byte_ids(["so good", "so bad"], length=16)
    """
    return _padded(texts, length, lambda text: np.frombuffer(text.encode(errors="replace"), np.uint8) + np.int32(1))


def word_ids(texts: Sequence[str], length: int, vocabulary: int = 2**14) -> np.ndarray:
    """The words of texts, in lower case, and their marks of punctuation, by a hash: CRC-32 modulo `vocabulary`, plus 1.

    There is no list of words to make or to save; two words may get one id.

    Args:
        texts: N of them.
        length: L from 1, in words; what is longer is cut off.
        vocabulary: V from 1.

    Returns:
        (N, L) int32 from 1 to V, padded at the end with 0.

    Raises:
        InputError: as for `byte_ids`.

    Example:
        ids = bk.data.word_ids(["so good", "so bad"], length=8)
    """
    if vocabulary < 1:
        raise InputError(f"`vocabulary` must be a whole number from 1. Received: vocabulary={vocabulary!r}")

    def ids_of(text):
        words = WORD.findall(text.lower())
        return np.array([zlib.crc32(word.encode(errors="replace")) % vocabulary + 1 for word in words], np.int32)

    return _padded(texts, length, ids_of)


def _padded(texts: Sequence[str], length: int, ids_of: Callable[[str], np.ndarray]) -> np.ndarray:
    if isinstance(texts, str):
        raise InputError(f"Give several texts, [text] for one. Received: {texts[:40]!r}")
    if not isinstance(length, int) or length < 1:
        raise InputError(f"`length` must be a whole number from 1. Received: length={length!r}")
    padded = np.zeros((len(texts), length), np.int32)
    for number, text in enumerate(texts):
        ids = ids_of(text)[:length]
        if not len(ids):
            raise InputError(f"A text must have a word at least. Received: {text!r}, number {number}")
        padded[number, : len(ids)] = ids
    return padded

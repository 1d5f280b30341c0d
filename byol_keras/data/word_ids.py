"""Texts as whole numbers: their words by a hash. 0 is padding."""

import re
import zlib
from collections.abc import Sequence

import numpy as np

from ..errors import InputError

WORD = re.compile(r"\w+|[^\w\s]")


def word_ids(texts: Sequence[str], length: int, vocabulary: int = 2**13) -> np.ndarray:
    """The words of texts, in lower case, and their marks of punctuation, by a hash: CRC-32 modulo `vocabulary`, plus 1.

    There is no list of words to make or to save; two words may get one id.

    Args:
        texts: N of them.
        length: L from 1, in words; what is longer is cut off.
        vocabulary: V from 1.

    Returns:
        (N, L) int32 from 1 to V, padded at the end with 0.

    Raises:
        InputError: for a single text in place of several, a text without a word, or numbers below 1.

    Example:
        ids = bk.data.word_ids(["so good", "so bad"], length=8)
    """
    if isinstance(texts, str):
        raise InputError(f"Give several texts, [text] for one. Received: {texts[:40]!r}")
    for name, number in (("length", length), ("vocabulary", vocabulary)):
        if not isinstance(number, int) or number < 1:
            raise InputError(f"`{name}` must be a whole number from 1. Received: {name}={number!r}")
    ids = np.zeros((len(texts), length), np.int32)
    for number, text in enumerate(texts):
        words = WORD.findall(text.lower())[:length]
        if not words:
            raise InputError(f"A text must have a word at least. Received: {text[:40]!r}, number {number}")
        # Half a pair of surrogates has no place in UTF-8.
        ids[number, : len(words)] = [zlib.crc32(word.encode(errors="replace")) % vocabulary + 1 for word in words]
    return ids

"""The index of a tar archive, saved, so that its headers are read once."""

import os

import numpy as np

from ..._version import __version__
from ...utils.printable import printable
from ...utils.texts import Texts
from ..cache_file import CacheFile, is_lasting
from .tar_index import TarIndex, index_tar

FORMAT = 1


def cached_index(path: str | os.PathLike) -> TarIndex:
    """As `index_tar`; of an archive that is as it was when it was last indexed, what was found then.

    Args:
        path: of the archive.

    Returns:
        TarIndex.
    """
    path = os.path.abspath(path)
    try:
        status = os.stat(path)
    except OSError:
        return index_tar(path)
    made_by, lost = f"{FORMAT}, byol_keras {__version__}", f"the headers of {printable(path)} are read again"
    cache = CacheFile(path, "indexes", made_by, lost)
    # A time of change that somebody set back does not hide a change: that sets the last one, which nobody can set.
    stamp = np.array([status.st_size, status.st_mtime_ns, status.st_ctime_ns], np.int64)
    arrays = cache.read()
    if arrays is not None and np.array_equal(arrays["stamp"], stamp):
        return _index(arrays)
    index = index_tar(path)
    # What is damaged may be the disk's fault, and be gone the next time.
    if is_lasting(status) and not any(name == "" for name, _ in index.broken):
        cache.write({"stamp": stamp, **_arrays(index)})
    return index


def _arrays(index):
    names = index.names.compact()
    reasons = Texts.of(text for pair in index.broken for text in pair)
    return {
        "names": np.frombuffer(names.buffer, np.uint8),
        "name_ends": names.ends,
        "starts": index.starts,
        "lengths": index.lengths,
        "labels": index.labels,
        "broken": np.frombuffer(reasons.buffer, np.uint8),
        "broken_ends": reasons.ends,
    }


def _index(arrays):
    names, broken = (
        Texts(arrays[of].tobytes(), np.append(0, arrays[ends])[:-1], arrays[ends])
        for of, ends in (("names", "name_ends"), ("broken", "broken_ends"))
    )
    pairs = tuple(zip(broken[::2], broken[1::2], strict=True))
    return TarIndex(names, arrays["starts"], arrays["lengths"], arrays["labels"], pairs)

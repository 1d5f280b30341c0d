"""What `byol-keras split` does."""

import os

from ..data.file_names import file_names
from ..data.folder import require_images
from ..data.open import is_recordings
from ..data.recordings import SUFFIXES as WAV_SUFFIXES
from ..data.split import ordered_split
from ..errors import InputError
from ..utils.atomic import atomic_path


def split_folder(data: str | os.PathLike, out: str | os.PathLike, test_share: float = 0.2) -> tuple[int, int]:
    """Makes a new folder with train/ and test/: links to the images of each class, the last of them to test with.

    Args:
        data: a folder of images, or of recordings, for each class a folder.
        out: the new folder.
        test_share: of each class, see `ordered_split`.

    Returns:
        How many images there are to train on, and to test with.

    Raises:
        InputError: for a folder that is none or has no images, an `out` that is there already, or another share.
    """
    root, out = os.path.abspath(os.path.expanduser(data)), os.path.expanduser(out)
    if not os.path.isdir(root):
        raise InputError(f"No such folder: {data}")
    if os.path.lexists(out):
        raise InputError(f"{out} is there already: choose another `out`, or delete it.")
    names = file_names(root, WAV_SUFFIXES) if is_recordings(root) else require_images(root, data)
    train, test = ordered_split(names, test_share)
    with atomic_path(out) as temporary:
        for part, chosen in (("train", train), ("test", test)):
            for name in chosen:
                link = temporary / part / name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(os.path.join(root, name))
    return len(train), len(test)

"""What `byol-keras split` does."""

import os

from ..data.folder import require_images
from ..data.split import ordered_split
from ..errors import InputError
from ..utils.atomic import atomic_path


def split_folder(data: str | os.PathLike, out: str | os.PathLike, test_share: float = 0.2) -> tuple[int, int]:
    """Makes a new folder with train/ and test/: links to the images of each class, the last of them to test with.

    Args:
        data: a folder of images, for each class a folder.
        out: the new folder.
        test_share: of each class, see `ordered_split`.

    Returns:
        How many images there are to train on, and to test with.

    Raises:
        InputError: for a folder that is none or has no images, an `out` that is there already, or another share.
    """
    root = os.path.abspath(data)
    if not os.path.isdir(root):
        raise InputError(f"No such folder: {data}")
    if os.path.lexists(out):
        raise InputError(f"{out} is there already: choose another `out`, or delete it.")
    train, test = ordered_split(require_images(root, data), test_share)
    with atomic_path(out) as temporary:
        for part, chosen in (("train", train), ("test", test)):
            for name in chosen:
                link = temporary / part / name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(os.path.join(root, name))
    return len(train), len(test)

"""`byol-keras split`."""

import os

from .arguments import command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "split",
        _run,
        "cut each class of a folder into a beginning to train on and an end to test with, in the order of the names",
        "split --data drive/ --out drive-split --test-share 0.2",
    )
    add.add_argument("--data", metavar="FOLDER", required=True, help="images, for each class a folder")
    add.add_argument("--out", metavar="DIR", required=True, help="a new folder: train/ and test/, links to the images")
    add.add_argument(
        "--test-share", metavar="F", type=float, default=0.2, help="of each class, to test with (default: 0.2)"
    )


def _run(options):
    from ..data.folder import find_images
    from ..data.split import ordered_split
    from ..errors import InputError
    from ..utils.atomic import atomic_path

    root, out = os.path.abspath(options.data), options.out
    if not os.path.isdir(root):
        raise InputError(f"No such folder: {options.data}")
    if os.path.lexists(out):
        raise InputError(f"{out} is there already: choose another --out, or delete it.")
    names = find_images(root)
    if not names:
        raise InputError(f"No images in {options.data}.")
    train, test = ordered_split(names, options.test_share)
    with atomic_path(out) as temporary:
        for part, chosen in (("train", train), ("test", test)):
            for name in chosen:
                link = temporary / part / name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(os.path.join(root, name))
    print(f"{len(train):,} images in {os.path.join(out, 'train')}, {len(test):,} in {os.path.join(out, 'test')}")

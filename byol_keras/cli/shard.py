"""`byol-keras shard`."""

import argparse

from ..errors import InputError
from .arguments import DATA_HELP, Commands, command

SHARD_BYTES = 256 * 10**6  # As `data.write_shards` has it, whose import would start TensorFlow for a --help.


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "shard",
        _run,
        "write images into a few large files, which open without decoding an image and copy quickly",
        "shard --data photos/ --out shards",
    )
    either = add.add_mutually_exclusive_group(required=True)
    either.add_argument("--data", metavar="DATA", help=DATA_HELP)
    either.add_argument("--verify", action="store_true", help="only compare the shards in --out with their checksums")
    add.add_argument(
        "--out",
        metavar="SHARDS",
        required=True,
        help="a folder, from then on a DATA itself: after an interruption the same command goes on",
    )
    add.add_argument(
        "--shard-bytes",
        metavar="N",
        type=int,
        help=f"a shard ends with the image that reaches it (default: {SHARD_BYTES})",
    )


def _run(options: argparse.Namespace) -> None:
    if options.verify:
        from ..data import verify_shards

        if options.shard_bytes is not None:
            given = options.shard_bytes
            raise InputError(f"Only a new shard has a size: leave out `shard_bytes`. Received: shard_bytes={given}")
        print(f"{options.out}: all {verify_shards(options.out):,} images are as they were written")
        return
    from ..workflows.shard import shard_source

    manifest = shard_source(
        options.data, options.out, SHARD_BYTES if options.shard_bytes is None else options.shard_bytes
    )
    count, excluded = len(manifest.shards), len(manifest.excluded)
    print(
        f"Written to {options.out}: {manifest.images:,} of {manifest.images + excluded:,} images in {count:,} "
        f"{'shard' if count == 1 else 'shards'}"
    )

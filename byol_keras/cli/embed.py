"""`byol-keras embed`."""

import argparse

from .arguments import Commands, add_data, add_model, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "embed",
        _run,
        "write the embedding of every image, to an .npz or, of any number of images, to Parquet",
        "embed runs/photos --data photos/ --out photos.parquet",
    )
    add_model(add)
    add_data(add)
    add.add_argument(
        "--out",
        metavar="FILE",
        required=True,
        help="an .npz; or a .parquet folder, written in parts: after an interruption the same command goes on",
    )
    add.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "auto"),
        default="float32",
        help="bfloat16 is several times quicker where the machine has it, and rounds (default: float32)",
    )


def _run(options: argparse.Namespace) -> None:
    from ..workflows.embed import embed_source

    images, excluded = embed_source(options.encoder, options.data, options.out, options.precision)
    print(f"Written to {options.out}: {images - excluded:,} of {images:,} images")

"""What the commands of `byol-keras` have in common: how one is added, and the arguments that several take."""

import argparse
import re
from collections.abc import Callable
from typing import Any, TypeAlias

# What `add_subparsers` gives; argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DATA_HELP = (
    "a folder of images (subfolders are classes; JPEG and the like, or .npy, TIFF or DICOM), of .wav files or of "
    "shards, a .tar or .parquet or a folder of them, a folder of `save_to_disk`, tfds:NAME[:SPLIT], or an .npz with "
    "`images` and optional `labels`"
)
EMBEDDINGS_HELP = "a .parquet of `embed`, with nothing left to embed"


def command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], None], summary: str, example: str
) -> argparse.ArgumentParser:
    """Adds one command.

    Args:
        commands: what `argparse.ArgumentParser.add_subparsers` gave.
        name: of the command.
        run: does the work, by the parsed options.
        summary: what it does, without a capital or a full stop.
        example: a command line after `byol-keras`.

    Returns:
        Its parser, to add its arguments to.
    """
    added = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example: byol-keras {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.set_defaults(run=run, parser=added)
    return added


def in_flags(message: str, parser: argparse.ArgumentParser) -> str:
    """A message of the library in the words of the command line.

    The library names arguments as Python does: tau_base=1.5, `tau_base`, or "tau_base must be ...". Those that the
    command has as flags become these: --tau-base 1.5, --tau-base. So a flag, or its `dest`, is called as the argument
    of the function that takes its value, and nothing else says which belong together.

    Args:
        message: of an InputError.
        parser: of the command.

    Returns:
        The message.
    """
    flags = {action.dest: action.option_strings[0] for action in parser._actions if action.option_strings}
    names = "|".join(flags)
    message = re.sub(rf"`({names})`", lambda found: flags[found[1]], message)
    # Not within a path or quotes: runs/epochs=50, 'batch_size/64'.
    begin, end = r"(?<![\w./\\'\"-])", r"(?![\w/\\'\"-])"
    message = re.sub(rf"{begin}({names})=True\b", lambda found: flags[found[1]], message)
    message = re.sub(rf"{begin}({names})=(?=\S)", lambda found: f"{flags[found[1]]} ", message)
    # Without quotes or a value, words such as "data" and "seed" are names where the sentence is about them only.
    compound = "|".join(name for name in flags if "_" in name) or "(?!)"
    return re.sub(rf"{begin}({compound}|(?:{names})(?= must\b)){end}", lambda found: flags[found[1]], message)


def add_model(parser: argparse.ArgumentParser) -> None:
    """The encoder of any kind, as `options.encoder`."""
    parser.add_argument("encoder", metavar="RUN_OR_MODEL", help="a run, or a .keras file of an encoder")


def add_run(parser: argparse.ArgumentParser, help: str = "a folder that pretrain made") -> None:
    """A run, as `options.folder`."""
    parser.add_argument("folder", metavar="RUN", help=help)


def add_data(parser: argparse.ArgumentParser, flag: str = "--data", help: str = "") -> None:
    """Images, read by `data.open_source`."""
    parser.add_argument(flag, metavar="DATA", required=True, help=help + DATA_HELP)


def add_value_range(parser: argparse.ArgumentParser, more: str = "") -> None:
    """The numbers that an encoder gets as 0 and 1, for `data.open_source`."""
    parser.add_argument(
        "--value-range",
        metavar=("LOW", "HIGH"),
        nargs=2,
        type=float,
        help="the numbers in .npy, TIFF, DICOM and PNG files that the encoder gets as 0 and 1, such as 0 4095 for 12 "
        "bits; with it PNG is read in all of its 16 bits, and not by the high 8 (default: what the files say: 0 255 of "
        "8 bits, 0 65535 of 16)" + more,
    )


def add_train_and_test(parser: argparse.ArgumentParser) -> None:
    """Labeled images to learn from and to be measured on."""
    add_data(parser, "--train", "labeled images: ")
    parser.add_argument("--test", metavar="DATA", required=True, help="labeled images of the same classes")


def add_label_subsets(parser: argparse.ArgumentParser) -> None:
    """How many of the labels are used, and how often they are chosen anew."""
    add_label_fraction(parser, "labels")
    parser.add_argument(
        "--label-subsets",
        metavar="N",
        dest="subsets",
        type=int,
        help="random choices of them (default: 3 of a share, 1 of all)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="of the first of them, and of what is trained on them (default: 0)",
    )


def label_subset_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """What the flags of `add_label_subsets` and the command line are for a workflow: dict of its arguments."""
    from ..evaluation.label_subsets import default_subset_count

    subsets = default_subset_count(options.label_fraction) if options.subsets is None else options.subsets
    return {
        "label_fraction": options.label_fraction,
        "subsets": subsets,
        "seed": options.seed,
        "command": options.line,
    }


def add_label_fraction(parser: argparse.ArgumentParser, of: str) -> None:
    """The share of what is labeled that is used."""
    parser.add_argument(
        "--label-fraction", metavar="F", type=float, default=1.0, help=f"share of the training {of} used (default: 1)"
    )


def add_keep(parser: argparse.ArgumentParser) -> None:
    """A file for the index, which search and duplicates share."""
    parser.add_argument(
        "--keep", metavar="FILE", help="saves the index; next time only new and changed images are embedded"
    )


def add_page(parser: argparse.ArgumentParser, help: str) -> None:
    """The page to write."""
    parser.add_argument("--out", metavar="PAGE", required=True, help=help)

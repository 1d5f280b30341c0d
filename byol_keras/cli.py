"""The command `byol-keras`.

Arguments are read here and handed on; the heavy imports happen in the commands, so that `--help` answers at once.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from ._version import __version__
from .errors import InputError, ParityError
from .recipes import RECIPES, recipe_named
from .startup import import_tensorflow

SOURCE_HELP = (
    "a folder of pictures (subfolders are classes), tfds:NAME[:SPLIT], or an .npz with `images` and optional `labels`"
)
FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


def main(arguments=None):
    """Runs one command.

    Args:
        arguments: list of str; by default those of the process.

    Returns:
        int, the exit code: 0 done, 1 an export that differs from Keras, 2 bad input, 130 interrupted; a bug raises.
    """
    options = _parser().parse_args(arguments)
    import_tensorflow()
    try:
        options.run(options)
    except (InputError, OSError) as error:
        print(f"byol-keras {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except ParityError as error:
        print(f"byol-keras {options.command}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"\nbyol-keras {options.command}: interrupted", file=sys.stderr)
        if options.command == "pretrain":
            print(f"Go on with: byol-keras pretrain --out {options.out} --resume", file=sys.stderr)
        return INTERRUPTED
    return 0


def _pretrain(options):
    from .pretraining import pretrain, resume

    # Flags that change the recipe, None where the recipe's own value holds.
    names = ("backbone", "image_size", "epochs", "batch_size", "precision")
    changes = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.resume:
        given = [name for name in ("data", "recipe", "seed", *changes) if getattr(options, name) is not None]
        if given:
            flags = ", ".join("--" + name.replace("_", "-") for name in given)
            raise InputError(f"--resume takes everything from the run in --out: leave out {flags}.")
        run = resume(options.out)
    else:
        if options.data is None:
            raise InputError("--data is missing: where are the pictures?")
        recipe = dataclasses.replace(recipe_named(options.recipe or "short"), **changes)
        run = pretrain(options.data, options.out, recipe, seed=options.seed or 0)
    print(f"Encoder: {run.encoder}\nNext:    byol-keras evaluate {run.folder} --train SOURCE --test SOURCE")


def _evaluate(options):
    from .evaluation.run_evaluation import evaluate_run, table

    result = evaluate_run(options.encoder, options.train, options.test, options.label_fraction, options.probe == "sgd")
    print(table(result))
    print(f"Written to {Path(options.encoder) / 'evaluation.json'}")


def _export(options):
    from .export.command import export_run

    export_run(
        options.encoder,
        options.out,
        options.format,
        options.quantize,
        options.calibration,
        options.io,
        options.batch,
        options.labelled,
        options.report,
        options.threads,
    )


def _batch(text):
    """A number of images, or "any"."""
    if text == "any":
        return None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1, or any; received {text!r}")


def _embed(options):
    from .embedding import embed_source

    embed_source(options.encoder, options.data, options.out, options.precision)
    print(f"Written to {options.out}")


def _views(options):
    from .data import open_source
    from .pretraining import build_views
    from .sheets import view_sheet

    changes = {} if options.image_size is None else {"image_size": options.image_size}
    recipe = dataclasses.replace(recipe_named(options.recipe), **changes)
    views = build_views(recipe)
    image = view_sheet(open_source(options.data), views, seed=options.seed)
    _save_picture(image, options.out)
    print(f"{options.out}: pictures above, view 1 in the middle, view 2 below, as --recipe {options.recipe} makes them")


def _save_picture(image, path):
    from .atomic import written_beside

    with written_beside(path) as temporary:
        try:
            image.save(temporary)
        except ValueError as error:
            raise InputError(f"{path}: the name must end in .png, .jpg or another kind of picture ({error})") from error


def _demo(options):
    from .demo import demo

    demo(options.out)


def _parser():
    parser = argparse.ArgumentParser(
        prog="byol-keras", description="Learn an image encoder from unlabelled pictures with BYOL, and put it to work."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, run, summary, example):
        added = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"example: byol-keras {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    add = command(
        "pretrain",
        _pretrain,
        "train an encoder on unlabelled pictures",
        "pretrain --data photos/ --out runs/photos --epochs 50",
    )
    add.add_argument("--data", metavar="SOURCE", help=SOURCE_HELP)
    add.add_argument("--out", metavar="RUN", required=True, help="a new folder for the run")
    add.add_argument("--recipe", metavar="NAME", help=f"one of {', '.join(RECIPES)} (default: short)")
    add.add_argument("--backbone", metavar="NAME", help="resnet8, resnet8x2, resnet18, resnet34 or resnet50")
    add.add_argument("--image-size", metavar="N", type=int, help="pixels, height and width of the views")
    add.add_argument("--epochs", metavar="N", type=int, help="passes over the pictures")
    add.add_argument("--batch-size", metavar="N", type=int, help="pictures in one update")
    add.add_argument("--precision", metavar="P", help="auto, float32, bfloat16 or float16")
    add.add_argument("--seed", metavar="N", type=int, help="of every random draw (default: 0)")
    add.add_argument("--resume", action="store_true", help="go on with the run in --out from its last whole epoch")

    add = command(
        "evaluate",
        _evaluate,
        "compare the trained encoder with the same one untrained, by k-NN and linear probe",
        "evaluate runs/photos --train labelled/train --test labelled/test",
    )
    add.add_argument("encoder", metavar="RUN")
    add.add_argument("--train", metavar="SOURCE", required=True, help="labelled pictures: " + SOURCE_HELP)
    add.add_argument("--test", metavar="SOURCE", required=True, help="labelled pictures of the same classes")
    add.add_argument("--label-fraction", metavar="F", type=float, default=1.0, help="share of the training labels used")
    add.add_argument(
        "--probe", choices=("lbfgs", "sgd"), default="lbfgs", help="linear probe: fast, or the paper's 80 epochs of SGD"
    )

    add = command(
        "export",
        _export,
        "write the encoder as SavedModel and .tflite, each checked against Keras",
        "export runs/photos --out serving --quantize all --labelled labelled/test --report",
    )
    add.add_argument("encoder", metavar="RUN")
    add.add_argument("--out", metavar="DIR", required=True, help="gets encoder/VERSION/ and encoder.tflite")
    add.add_argument("--format", choices=("saved_model", "tflite", "all", "onnx", "openvino"), default="all")
    add.add_argument(
        "--quantize",
        choices=("none", "float16", "dynamic", "int8", "all"),
        default="none",
        help="for the .tflite; all writes one of each",
    )
    add.add_argument("--calibration", metavar="SOURCE", help="pictures for int8 and for the check (default: the run's)")
    add.add_argument(
        "--io", choices=("float32", "int8", "uint8"), default="float32", help="what the .tflite in int8 takes and gives"
    )
    add.add_argument(
        "--batch", metavar="N", type=_batch, default=1, help="images in a call of the .tflite, or any (default: 1)"
    )
    add.add_argument("--labelled", metavar="SOURCE", help="labelled pictures: compare the 20-NN accuracy too")
    add.add_argument(
        "--report", action="store_true", help="measure each file beside Keras, print a table and write DIR/report.html"
    )
    add.add_argument("--threads", metavar="N", type=int, help="for --report (default: all processors)")

    add = command(
        "embed",
        _embed,
        "write the embedding of every picture to an .npz",
        "embed runs/photos --data photos/ --out embeddings.npz",
    )
    add.add_argument("encoder", metavar="RUN_OR_MODEL", help="a run, or a .keras file of an encoder")
    add.add_argument("--data", metavar="SOURCE", required=True, help=SOURCE_HELP)
    add.add_argument("--out", metavar="FILE", required=True, help="an .npz: embeddings, names, and labels where known")
    add.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "auto"),
        default="float32",
        help="bfloat16 is several times quicker where the machine has it, and rounds (default: float32)",
    )

    add = command(
        "views", _views, "draw what the network will see", "views --data photos/ --out views.png --image-size 96"
    )
    add.add_argument("--data", metavar="SOURCE", required=True, help=SOURCE_HELP)
    add.add_argument("--out", metavar="PICTURE", required=True, help="a .png")
    add.add_argument("--recipe", metavar="NAME", default="short", help=f"one of {', '.join(RECIPES)} (default: short)")
    add.add_argument("--image-size", metavar="N", type=int, help="pixels, instead of the recipe's")
    add.add_argument("--seed", metavar="N", type=int, default=0)

    add = command("demo", _demo, "the whole way on pictures it draws itself, in a few minutes", "demo --out demo")
    add.add_argument("--out", metavar="DIR", default="byol_keras_demo", help="a new folder (default: byol_keras_demo)")
    return parser

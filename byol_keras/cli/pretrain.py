"""`byol-keras pretrain`."""

import dataclasses

from ..errors import InputError
from ..runs.recipe import RECIPES, recipe_named
from .arguments import SOURCE_HELP, command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "pretrain",
        _run,
        "train an encoder on unlabeled images",
        "pretrain --data photos/ --out runs/photos --epochs 50",
    )
    add.add_argument("--data", metavar="SOURCE", help=SOURCE_HELP)
    add.add_argument("--out", metavar="RUN", required=True, help="a new folder for the run")
    add.add_argument("--recipe", metavar="NAME", help=f"one of {', '.join(RECIPES)} (default: short)")
    add.add_argument("--backbone", metavar="NAME", help="resnet8, resnet8x2, resnet10, resnet18, resnet34 or resnet50")
    add.add_argument("--image-size", metavar="N", type=int, help="pixels, height and width of the views")
    add.add_argument("--epochs", metavar="N", type=int, help="passes over the images")
    add.add_argument("--batch-size", metavar="N", type=int, help="images in one update")
    add.add_argument(
        "--crop-area",
        metavar="F",
        type=float,
        help="smallest share of an image in a view; large, such as 0.5, where all show one thing at one place: faces",
    )
    add.add_argument("--precision", metavar="P", help="auto, float32, bfloat16 or float16")
    add.add_argument(
        "--probe", metavar="SOURCE", help="labeled images to log the 20-NN accuracy of, each epoch; not trained on"
    )
    add.add_argument("--seed", metavar="N", type=int, help="of every random draw (default: 0)")
    add.add_argument(
        "--leave-out", metavar="FILE", help="a text file: images and folders below SOURCE not to train on, one a line"
    )
    add.add_argument("--resume", action="store_true", help="go on with the run in --out from its last whole epoch")


def _run(options):
    from ..data.exclude import read_names
    from ..workflows.pretrain import pretrain, resume

    # Flags that change the recipe, None where the recipe's own value holds.
    names = ("backbone", "image_size", "epochs", "batch_size", "crop_area", "precision")
    changes = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.resume:
        settled = ("data", "recipe", "seed", "leave_out", "probe", *changes)
        given = [name for name in settled if getattr(options, name) is not None]
        if given:
            flags = ", ".join("--" + name.replace("_", "-") for name in given)
            raise InputError(f"--resume takes everything from the run in --out: leave out {flags}.")
        run = resume(options.out)
    else:
        if options.data is None:
            raise InputError("--data is missing: where are the images?")
        recipe = dataclasses.replace(recipe_named(options.recipe or "short"), **changes)
        exclude = [] if options.leave_out is None else read_names(options.leave_out)
        run = pretrain(options.data, options.out, recipe, options.seed or 0, exclude, options.probe)
    print(f"Encoder: {run.encoder_path}\nNext:    byol-keras evaluate {run.folder} --train SOURCE --test SOURCE")

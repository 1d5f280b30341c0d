"""`byol-keras pretrain`."""

import argparse

from ..errors import InputError
from .arguments import DATA_HELP, Commands, add_value_range, command
from .recipe_flags import add_recipe_flags, given_fields, settings


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "pretrain",
        _run,
        "train an encoder on unlabeled images",
        "pretrain --data photos/ --out runs/photos --epochs 50\n"
        "         byol-keras pretrain --config runs/photos/config.json --out runs/again --tau-base 0.99",
    )
    add.add_argument("--data", metavar="DATA", help=DATA_HELP + " (default: that of --config)")
    add.add_argument("--out", metavar="RUN", required=True, help="a new folder for the run")
    add.add_argument("--seed", metavar="N", type=int, help="of every random draw (default: 0, or that of --config)")
    add.add_argument(
        "--channels",
        choices=("1", "3", "auto"),
        help="1 reads the images as gray, 3 as RGB, auto as gray where all are stored so, or as the encoder of --from "
        "takes them; others than 1 and 3 are read as they are (default: auto, or that of --config)",
    )
    add_value_range(add, "; kept in the run, for all images that its encoder is to see")
    add.add_argument(
        "--exclude", metavar="FILE", help="a text file: images and folders below DATA not to train on, one per line"
    )
    add.add_argument(
        "--probe", metavar="DATA", help="labeled images to log the 20-NN accuracy of, each epoch; not trained on"
    )
    add.add_argument(
        "--from",
        metavar="RUN_OR_MODEL",
        dest="start_from",
        help="start with the weights of a run, or of a .keras file, of the same --backbone (default: random weights)",
    )
    add.add_argument(
        "--minutes",
        metavar="N",
        dest="budget",
        type=float,
        help="time for all of it: times the steps, and trains for as many epochs as fit, with a warm-up of a tenth of "
        "them at most (default: those of the recipe)",
    )
    add.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in --out where it stopped, as if it never had; or, with --epochs, extend a finished "
        "one to so many: over the steps added the learning rate warms up and falls to 0 once more, tau rises from "
        "--tau-base to 1 once more, and the optimizer begins anew",
    )
    add.add_argument(
        "--checkpoint-minutes",
        metavar="N",
        dest="minutes",
        type=float,
        default=5.0,
        help="save all of training every N minutes (default 5); SIGTERM and Ctrl-C save it as well",
    )
    add.add_argument("--checkpoint-steps", metavar="N", dest="steps", type=int, help="and after every N steps")
    add.add_argument(
        "--stop-on-collapse",
        action="store_true",
        help="end training where its gauges show a collapse, which is said in any case; the encoder of before is kept",
    )
    add.add_argument(
        "--strategy",
        choices=("mirrored", "multi-worker"),
        help="train on all GPUs of this machine (mirrored), or of all machines in TF_CONFIG, each of which is given "
        "this command (multi-worker); the batch is that of all together (default: one device)",
    )
    add.add_argument(
        "--data-service",
        metavar="grpc://HOST:PORT",
        nargs="+",
        default=(),
        help="have the views made on other machines, by services that `byol-keras data-service` started there",
    )
    add_recipe_flags(add)


def _run(options: argparse.Namespace) -> None:
    from ..data.exclude import read_names
    from ..workflows.pretrain import pretrain
    from ..workflows.resume import resume

    names = ("minutes", "steps", "stop_on_collapse", "strategy", "data_service")
    training = {name: getattr(options, name) for name in names}
    if options.resume:
        names = ("data", "recipe", "config", "views", "seed", "channels", "value_range", "exclude", "probe")
        settled = [name for name in names if _given(options, name)]
        settled += ["minutes"] if _given(options, "budget") else []
        settled += ["from"] if _given(options, "start_from") else []
        settled += [name for name in given_fields(options) if name != "epochs"]
        if settled:
            flags = ", ".join("--" + name.replace("_", "-") for name in settled)
            raise InputError(f"--resume takes all but --epochs from the run in --out: leave out {flags}.")
        run = resume(options.out, options.epochs, **training)
    else:
        if options.budget is not None and options.epochs is not None:
            raise InputError("--minutes finds out how many epochs there is time for: leave out --epochs, or it.")
        names = ("data", "seed", "probe", "start_from", "budget", "value_range")
        given = {name: getattr(options, name) for name in names if _given(options, name)}
        if options.channels is not None:
            given["channels"] = None if options.channels == "auto" else int(options.channels)
        if options.exclude is not None:
            given["exclude"] = read_names(options.exclude)
        arguments = settings(options, options.views) | given
        if "data" not in arguments:
            raise InputError("--data is missing: where are the images?")
        run = pretrain(out=options.out, begun=options.begun, **arguments, **training)
    print(f"Encoder: {run.encoder_path}\nNext:    byol-keras evaluate {run.folder} --train DATA --test DATA")


def _given(options, name):
    return getattr(options, name) is not None

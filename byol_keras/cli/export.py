"""`byol-keras export`."""

import argparse
import dataclasses

from ..errors import InputError
from .arguments import Commands, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "export",
        _run,
        "write the encoder as SavedModel and .tflite, each checked against Keras",
        "export runs/photos --out serving --quantize all --labeled labeled/test --report",
    )
    add.add_argument("encoder", metavar="RUN", help="a folder that pretrain made, or a .keras file with --calibration")
    add.add_argument("--out", metavar="DIR", help="gets encoder/VERSION/ and encoder.tflite")
    add.add_argument(
        "--web", metavar="DIR", help="instead of --out: gets a page that runs the .tflite in a browser, with LiteRT.js"
    )
    add.add_argument(
        "--node-modules", metavar="DIR", help="for --web: a folder with @litertjs/core (default: fetched with npm)"
    )
    add.add_argument(
        "--format",
        choices=("saved_model", "tflite", "all", "onnx", "openvino", "coreml"),
        default="all",
        help="all, the default, is the SavedModel and the .tflite",
    )
    add.add_argument(
        "--quantize",
        choices=("none", "float16", "dynamic", "int8", "all"),
        default="none",
        help="for the .tflite; all writes one of each",
    )
    add.add_argument("--calibration", metavar="DATA", help="images for int8 and for the check (default: the run's)")
    add.add_argument(
        "--io", choices=("float32", "int8", "uint8"), default="float32", help="what the .tflite in int8 takes and gives"
    )
    add.add_argument(
        "--batch", metavar="N", type=_batch, default=1, help="images in a call of the .tflite, or any (default: 1)"
    )
    add.add_argument("--labeled", metavar="DATA", help="labeled images: compare the 20-NN accuracy too")
    add.add_argument(
        "--report", action="store_true", help="measure each file beside Keras, print a table and write DIR/report.html"
    )
    add.add_argument(
        "--classifier", action="store_true", help="export what finetune made: the classes' names, with scores"
    )
    add.add_argument("--head", metavar="FILE", help="the head.npz that label wrote, to export with the encoder")
    add.add_argument(
        "--license", metavar="NAME", help="of the files, for their model card: apache-2.0 (default: not stated)"
    )
    add.add_argument(
        "--scores-only", action="store_true", help="the classifier's .tflite gives no embedding, as MediaPipe asks"
    )
    add.add_argument(
        "--max-pixels",
        metavar="N",
        type=int,
        help="height times width of the largest file that the SavedModel decodes (default: that of training)",
    )
    add.add_argument(
        "--strict", action="store_true", help="in the SavedModel, one image that cannot be decoded fails its request"
    )
    add.add_argument("--threads", metavar="N", type=int, help="for --report (default: all CPUs)")


def _run(options: argparse.Namespace) -> None:
    from ..workflows.export import export_run
    from ..workflows.export_config import ExportConfig
    from ..workflows.export_web import export_web

    if (options.out is None) == (options.web is None):
        raise InputError("Where to? Give --out, or --web for a page.")
    if options.web is None and options.node_modules is not None:
        raise InputError(
            f"Only a page needs LiteRT.js: leave out --node-modules {options.node_modules}, or give --web."
        )
    # The flags are called as the fields are.
    config = {field.name: getattr(options, field.name) for field in dataclasses.fields(ExportConfig)}
    if options.web is None:
        export_run(options.encoder, options.out, ExportConfig(**config))
    else:
        export_web(options.encoder, options.web, ExportConfig(**config), options.node_modules)


def _batch(text):
    """A number of images, or "any"."""
    if text == "any":
        return None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1, or any; received {text!r}")

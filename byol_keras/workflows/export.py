"""What `byol-keras export` does."""

import tempfile
from pathlib import Path

import keras

from ..data import open_source
from ..data.exclude import excluding
from ..data.images import evenly
from ..errors import InputError
from ..evaluation.linear_head import LinearHead
from ..export.benchmark.report import check_extras, write_report
from ..export.formats.calibration import ENOUGH, require_enough, sample
from ..export.formats.interchange import onnx, openvino
from ..export.formats.saved_model import check_writable, next_version, saved_model
from ..export.formats.tflite import QUANTIZE, tflite
from ..export.parity.accuracy import labeled_sample
from ..export.parity.check import check, require, table, write_json
from ..runs.classifier import parts, read_classifier
from ..runs.load import load_encoder
from ..runs.run import load_run

IMAGES_TO_CHECK = 64


def export_run(
    folder,
    out,
    format="all",
    quantize="none",
    calibration=None,
    io="float32",
    batch=1,
    labeled=None,
    report=False,
    threads=None,
    classifier=False,
    head=None,
):
    """Exports a run's encoder, compares each file with Keras in a fresh process, and prints the table.

    If one differs by more than its format may, none gets its place in `out`; parity.json is written all the same.

    Args:
        folder: the run, or a .keras file of an encoder.
        out: folder; gets encoder/VERSION/ (a SavedModel), encoder.tflite with its description, and parity.json; with
            `report` also report.html and report.json. Or encoder.onnx, or encoder.xml and encoder.bin.
        format: "saved_model", "tflite", "all" (both of these), "onnx" or "openvino".
        quantize: "none", "float16", "dynamic" or "int8", for the .tflite; "all" writes one of each.
        calibration: SOURCE of the images for int8 and for the comparison; by default those the run was trained on.
        io: "float32", or for int8 also "int8" or "uint8": what the .tflite takes and gives.
        batch: images in a call of the .tflite; None leaves it free.
        labeled: SOURCE of labeled images, by which the k-NN accuracy of each file is compared with Keras'.
        report: whether to measure the files, beside Keras and others on the same network.
        threads: int, for the report; by default all CPUs.
        classifier: whether to export the run's classifier instead: the encoder that was fine-tuned with its classes,
            as classifier/VERSION/ with the signature `classify`, and classifier.tflite with `scores`.
        head: a head.npz, see `LinearHead.load`: the encoder as it is, with this head, in the same files.

    Returns:
        list of `Parity`.

    Raises:
        InputError: for a mistake in what was passed.
        ParityError: where a file differs from Keras by more than its format may.
    """
    out = Path(out)
    kinds = QUANTIZE if quantize == "all" else (quantize,)
    if io != "float32" and "int8" not in kinds:
        raise InputError(f"Only a .tflite in int8 takes and gives integers: add --quantize int8. Received: --io {io}")
    if format not in ("tflite", "all") and (quantize, io, batch) != ("none", "float32", 1):
        raise InputError(
            "--quantize, --io and --batch are for a .tflite: leave them out, or choose --format tflite. "
            f"Received: --format {format}"
        )
    if report and format == "openvino":
        raise InputError("--report does not measure OpenVINO. Leave it out, or choose another --format.")
    if report:
        check_extras()
    name = "encoder" if head is None and not classifier else "classifier"
    encoder, head = _encoder_and_head(folder, format, classifier, head)
    data = calibration or _source(folder)
    source = open_source(data) if calibration else excluding(open_source(data), load_run(folder).exclude)
    if format in ("tflite", "all") and "int8" in kinds:
        require_enough(len(source), f" in {data}")
    _check_fits(encoder, source, data)
    size, channels = encoder.input_shape[2:]
    judge = None if labeled is None else labeled_sample(labeled, size, channels)
    images = sample(source, size, ENOUGH)
    check_writable(out / name)
    out.mkdir(parents=True, exist_ok=True)
    # What has not passed never stands where a server or a colleague would take it.
    with tempfile.TemporaryDirectory(prefix=".export.", dir=out) as unchecked:
        artifacts = _write(encoder, head, Path(unchecked), out, name, format, kinds, io, batch, images)
        compared = images[evenly(len(images), IMAGES_TO_CHECK)]
        parities = check(encoder, artifacts, compared, judge, head)
        print(table(parities))
        write_json(parities, out / "parity.json")
        if report:
            write_report(encoder, artifacts, parities, images, out, threads)
        require(parities)
        _move(Path(unchecked), out)
    judged = "" if judge is None else f", and by the labels of {len(judge.labels):,}"
    print(f"Compared with Keras on {len(compared)} images{judged}. Written to {out}")
    return parities


def _write(encoder, head, folder, out, name, format, kinds, io, batch, images):
    """Writes the files into `folder`, as they shall stand in `out`; dict of their paths by name."""
    artifacts = {}
    if format in ("saved_model", "all"):
        path = saved_model(encoder, folder / name / str(next_version(out / name)), head=head)
        artifacts[f"{name}/{path.name}"] = path
    for kind in kinds if format in ("tflite", "all") else ():
        given = io if kind == "int8" else "float32"
        path = (
            folder / f"{name}{'' if kind == 'none' else f'-{kind}'}{'' if given == 'float32' else f'-{given}'}.tflite"
        )
        seen = images if kind == "int8" else None
        artifacts[path.name] = tflite(encoder, path, quantize=kind, calibration=seen, io=given, batch=batch, head=head)
    if format == "onnx":
        artifacts["encoder.onnx"] = onnx(encoder, folder / "encoder.onnx")
    if format == "openvino":
        artifacts["encoder.xml"] = openvino(encoder, folder / "encoder.xml")
    return artifacts


def _move(folder, out):
    """Gives what lies in `folder` its place in `out`; of a SavedModel the version."""
    # In the order of the names a description follows its .tflite, and an .xml its weights.
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            (out / path.name).mkdir(exist_ok=True)
            for version in path.iterdir():
                version.rename(out / path.name / version.name)
        else:
            path.replace(out / path.name)


def _encoder_and_head(folder, format, classifier, head):
    """What to export: the encoder, and a `LinearHead` or None."""
    if not classifier and head is None:
        return load_encoder(folder), None
    if classifier and head is not None:
        raise InputError("--classifier has a head of its own: leave out --head, or leave out --classifier.")
    if format in ("onnx", "openvino"):
        raise InputError(
            f"{'--classifier' if classifier else '--head'} writes a SavedModel and a .tflite. "
            f"Received: --format {format}"
        )
    if head is not None:
        return load_encoder(folder), LinearHead.load(head)
    if Path(folder).is_file():
        raise InputError(f"{folder} is not a run: --classifier takes one that `byol-keras finetune` has worked on.")
    model, class_names = read_classifier(load_run(folder).classifier_path)
    encoder, (weights, bias) = parts(model)
    return encoder, LinearHead(weights, bias, class_names)


def _source(folder):
    if Path(folder).is_file():
        raise InputError(f"{folder} is not a run, so its images are not known: name some with --calibration SOURCE.")
    return load_run(folder).data


def _check_fits(encoder: keras.Model, source, data):
    _, height, width, channels = encoder.input_shape
    if height is None or height != width:
        raise InputError(
            f"The command exports encoders of one square size; in Python, byol_keras.export takes others. "
            f"Received: input {encoder.input_shape}"
        )
    if source.channels != channels:
        raise InputError(
            f"The encoder takes images with {channels} channels (1 gray, 3 color). "
            f"Received: {data} with {source.channels}"
        )

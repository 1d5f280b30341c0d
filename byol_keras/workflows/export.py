"""What `byol-keras export` does."""

import os
import warnings
from pathlib import Path

import keras
import numpy as np

from ..data import open_source
from ..data.channels import with_channels
from ..data.exclude import excluding
from ..data.images import ImageSource, evenly
from ..errors import InputError
from ..evaluation.linear_head import LinearHead
from ..export.benchmark.costs import write_costs
from ..export.card.provenance import file_provenance, provenance_of
from ..export.encoder import image_shape
from ..export.formats.calibration import SAMPLE_IMAGES, check_count
from ..export.formats.coreml import coreml
from ..export.formats.onnx import onnx
from ..export.formats.openvino import openvino
from ..export.formats.saved_model import next_version, saved_model
from ..export.formats.tflite import tflite
from ..export.parity.accuracy import labeled_sample
from ..export.parity.checked_export import COMPARED_IMAGES, place
from ..export.parity.comparison import check_parity
from ..export.parity.int8_warning import FAR
from ..export.parity.parity import Parity, parity_table, require_parity, write_parity
from ..export.serving.config import served_models, update_serving_config
from ..export.source_images import sample_images
from ..models.fingerprint import fingerprint
from ..models.mel_input import mel_rate
from ..runs.classifier import classifier_facts, parts, read_classifier
from ..runs.load import load_encoder, value_range_of
from ..runs.results import read_results
from ..runs.run_config import load_run
from ..runs.training_facts import results_facts, training_facts
from ..utils.atomic import check_writable, make_parent
from ..utils.extras import require_extra
from ..utils.part_file import open_part, remove_parts
from .export_config import ExportConfig, write_model_card
from .export_sound import export_sound


def export_run(folder: str | os.PathLike, out: str | os.PathLike, config: ExportConfig | None = None) -> list[Parity]:
    """Exports a run's encoder, compares each file with Keras in a fresh process, and prints the table.

    If one differs by more than its format may, none gets its place in `out`; parity.json is written all the same.

    Args:
        folder: the run, or a .keras file of an encoder.
        out: folder; gets encoder/VERSION/ (a SavedModel), encoder.tflite with its description, and parity.json; with
            `report` also report.html and report.json. Or encoder.onnx, or encoder.xml and encoder.bin, with a
            description; or encoder.mlpackage, which is not compared: Core ML is part of macOS. And a model card,
            README.md, or MODEL_CARD.md where that is there and is none; beside a SavedModel what serves it, see
            `write_serving_config`, where it is not there yet.
        config: what to write; by default a SavedModel and a .tflite in float32.

    Returns:
        One `Parity` per file.

    Raises:
        InputError: for a mistake in what was passed, and for Core ML, a head or a classifier's SavedModel of a run with
            a value range, see `saved_model`.
        ParityError: where a file differs from Keras by more than its format may.
    """
    config, out = config or ExportConfig(), Path(out)
    _check_extras(config)
    encoder, head = _encoder_and_head(folder, config)
    facts = provenance_of(encoder, _training(folder, config), config.license)
    if mel_rate(encoder) is not None:
        return export_sound(encoder, _calibration_source(folder, config.calibration)[0], out, config, facts)
    height, size, channels = image_shape(encoder)
    if size is None or height != size:
        raise InputError(
            "The command exports encoders of one square size; in Python, byol_keras.export takes others. "
            f"Received: input {encoder.input_shape}"
        )
    source, data = _calibration_source(folder, config.calibration)
    value_range = value_range_of(folder)
    # Eight bits would be a part of what such images have.
    dtype = "uint8" if source.reading is None and source.value_range is None and value_range is None else "float32"
    if config.writes_tflite and "int8" in config.quantizations:
        check_count(len(source), f" in {data}")
    source = with_channels(source, channels)
    labeled = None if config.labeled is None else labeled_sample(config.labeled, size, channels, value_range)
    images = sample_images(source, size, SAMPLE_IMAGES)
    if config.writes_saved_model:
        served_models(out)  # before the work, rather than after it, a name that no server can have
    check_writable(out / "parity.json")
    make_parent(out / "parity.json")
    remove_parts(out)
    # What has not passed never stands where a server or a colleague would find it.
    with open_part(out / "unchecked") as unchecked:
        unchecked.mkdir()
        with warnings.catch_warnings():  # the comparison says it too, of all files
            warnings.filterwarnings("ignore", message=FAR)
            artifacts = _write(encoder, head, unchecked, out, config, images, facts, dtype)
        compared = images[evenly(len(images), COMPARED_IMAGES)]
        parities = [] if config.format == "coreml" else check_parity(encoder, artifacts, compared, labeled, head)
        if parities:
            print(parity_table(parities))
            write_parity(parities, out / "parity.json")
        if config.report:
            write_costs(encoder, artifacts, parities, images, out, config.threads)
        require_parity(parities)
        write_model_card(file_provenance(encoder, facts, head), artifacts, unchecked, out)
        place(unchecked, out)
    if config.writes_saved_model:
        update_serving_config(out)
    if not parities:
        print(f"Written to {out}, and not compared with Keras: Core ML is part of macOS. Compare it on a Mac.")
        return parities
    by_labels = "" if labeled is None else f", and by the labels of {len(labeled[1]):,}"
    print(f"Compared with Keras on {len(compared)} images{by_labels}. Written to {out}")
    return parities


def _check_extras(config: ExportConfig) -> None:
    """Raises InputError where a package is missing: better now than after the export."""
    if config.writes_tflite:
        require_extra("Running a .tflite file", "ai_edge_litert")
    packages = {"onnx": ("tf2onnx", "onnxruntime"), "openvino": ("openvino",), "coreml": ("coremltools",)}
    if config.format in packages:
        require_extra(f"format={config.format!r}", *packages[config.format])
    if config.labeled is not None:
        require_extra("The k-NN accuracy", "sklearn")
    if config.report:
        require_extra("The chart of the report", "matplotlib")


def _encoder_and_head(folder: str | os.PathLike, config: ExportConfig) -> tuple[keras.Model, LinearHead | None]:
    """What to export."""
    if not config.classifier:
        return load_encoder(folder), None if config.head is None else LinearHead.load(config.head)
    if Path(folder).is_file():
        raise InputError(
            f"{folder} is not a run: only a run that `byol-keras finetune` has worked on has a classifier. "
            "Received: classifier=True"
        )
    model, class_names = read_classifier(load_run(folder).classifier_path)
    encoder, (weights, bias) = parts(model)
    return encoder, LinearHead(weights, bias, class_names, fingerprint(encoder))


def _training(folder: str | os.PathLike, config: ExportConfig) -> dict:
    """What is known of how the encoder was trained, and the classifier."""
    facts = training_facts(folder)
    if not config.classifier:
        return facts
    run = load_run(folder)
    made = classifier_facts(run.classifier_path)
    # The run's other results are of its encoder, or of classifiers that were fine-tuned on other images.
    command = made.pop("command")  # which has the paths of this machine
    how = {name: made[name] for name in ("training_images", "seed")}
    measured = [
        result
        for result in read_results(run, "finetune*")
        if how.items() <= result.settings.items() and result.command == command
    ]
    return {**facts, "results": results_facts(measured), "classifier": made}


def _calibration_source(folder: str | os.PathLike, calibration: str | None) -> tuple[ImageSource, str]:
    """The images for int8 and for the comparison, and where they come from."""
    if calibration is not None:
        return open_source(calibration, value_range=value_range_of(folder)), calibration
    if Path(folder).is_file():
        raise InputError(f"{folder} is not a run, so its images are not known: name some. Received: calibration=None")
    run = load_run(folder)
    return excluding(open_source(run.data, value_range=run.value_range), run.exclude), run.data


def _write(
    encoder: keras.Model,
    head: LinearHead | None,
    folder: Path,
    out: Path,
    config: ExportConfig,
    images: np.ndarray,
    facts: dict,
    dtype: str,
) -> dict[str, Path]:
    """Writes the files into `folder`, as they shall stand in `out`; their paths by name."""
    name = "classifier" if config.has_head else "encoder"
    artifacts = {}
    if config.writes_saved_model:
        path = folder / name / str(next_version(out / name))
        bounds = {"max_pixels": config.max_pixels, "strict": config.strict}
        saved_model(encoder, path, dtype=dtype, head=head, provenance=facts, **bounds)
        artifacts[f"{name}/{path.name}"] = path
    for kind in config.quantizations if config.writes_tflite else ():
        io = config.io if kind == "int8" else "float32"
        path = folder / f"{name}{'' if kind == 'none' else f'-{kind}'}{'' if io == 'float32' else f'-{io}'}.tflite"
        calibration = images if kind == "int8" else None
        artifacts[path.name] = tflite(
            encoder,
            path,
            quantize=kind,
            calibration=calibration,
            io=io,
            batch=config.batch,
            head=head,
            provenance=facts,
            scores_only=config.scores_only,
        )
    if config.format == "onnx":
        artifacts["encoder.onnx"] = onnx(encoder, folder / "encoder.onnx", facts)
    if config.format == "openvino":
        artifacts["encoder.xml"] = openvino(encoder, folder / "encoder.xml", facts)
    if config.format == "coreml":
        artifacts["encoder.mlpackage"] = coreml(encoder, folder / "encoder.mlpackage", facts)
    return artifacts

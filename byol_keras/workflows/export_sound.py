"""What `byol-keras export` does with a run on recordings."""

import os
from pathlib import Path

import keras

from ..data.images import ImageSource, evenly
from ..data.recordings import samples_of
from ..errors import InputError
from ..evaluation.embed import as_taken
from ..export.card.provenance import file_provenance
from ..export.formats.saved_model import next_version
from ..export.formats.sound_files import sound_model, sound_saved_model, sound_tflite
from ..export.parity.checked_export import COMPARED_IMAGES, place
from ..export.parity.parity import Parity, parity_table, require_parity, write_parity
from ..export.parity.sound_parity import check_sound_parity
from ..export.serving.config import served_models, update_serving_config
from ..utils.atomic import check_writable, make_parent
from ..utils.part_file import open_part, remove_parts
from .export_config import ExportConfig, write_model_card


def export_sound(
    encoder: keras.Model, source: ImageSource, out: str | os.PathLike, config: ExportConfig, facts: dict
) -> list[Parity]:
    """Exports an encoder of recordings with its front end, and compares each file with Keras in a fresh process.

    Args:
        encoder: see `export.formats.sound_files.sound_model`.
        source: recordings to compare on.
        out: folder; gets encoder/VERSION/, encoder.tflite with its description, parity.json and a model card.
        config: what to write: a SavedModel, a .tflite in float32 or float16, or both.
        facts: see `provenance_of`.

    Returns:
        One `Parity` per file.

    Raises:
        InputError: for what cannot be exported of recordings.
        ParityError: where a file differs from Keras by more than its format may; then none gets its place.
    """
    _require_possible(config)
    out, source = Path(out), as_taken(encoder, source)
    length = sound_model(encoder).input_shape[1]
    samples = samples_of(source.subset(evenly(len(source), COMPARED_IMAGES)), length)
    if config.writes_saved_model:
        served_models(out)
    check_writable(out / "parity.json")
    make_parent(out / "parity.json")
    remove_parts(out)
    # What has not passed never stands where a server or a colleague would find it.
    with open_part(out / "unchecked") as unchecked:
        unchecked.mkdir()
        artifacts = _write(encoder, unchecked, out, config, facts)
        parities = check_sound_parity(encoder, artifacts, samples)
        print(parity_table(parities))
        write_parity(parities, out / "parity.json")
        require_parity(parities)
        write_model_card(file_provenance(encoder, facts), artifacts, unchecked, out)
        place(unchecked, out)
    if config.writes_saved_model:
        update_serving_config(out)
    rate = source.sample_rate
    print(f"The files take {length:,} samples, {length / rate:g} s at {rate:,} Hz, as floats in [-1, 1].")
    print(f"Compared with Keras on {len(samples)} recordings. Written to {out}")
    return parities


def _write(encoder, folder: Path, out: Path, config: ExportConfig, facts: dict) -> dict[str, Path]:
    artifacts = {}
    if config.writes_saved_model:
        version = str(next_version(out / "encoder"))
        artifacts[f"encoder/{version}"] = sound_saved_model(encoder, folder / "encoder" / version, facts)
    if config.writes_tflite:
        name = "encoder.tflite" if config.quantize == "none" else f"encoder-{config.quantize}.tflite"
        artifacts[name] = sound_tflite(encoder, folder / name, config.quantize, facts)
    return artifacts


def _require_possible(config: ExportConfig) -> None:
    """Raises InputError for what only encoders of images can be exported with."""
    if config.format not in ("saved_model", "tflite", "all"):
        raise InputError(
            "Encoders of recordings are exported as SavedModel and .tflite: choose format='all'. "
            f"Received: format={config.format!r}"
        )
    if config.quantize not in ("none", "float16"):
        raise InputError(
            "A .tflite of recordings is in float32 or float16, as int8 has too few levels for the powers of sounds: "
            f"choose quantize='none'. Received: quantize={config.quantize!r}"
        )
    without = {"labeled": None, "report": False, "classifier": False, "head": None, "max_pixels": None, "batch": 1}
    for name, value in {**without, "strict": False}.items():
        if getattr(config, name) != value:
            raise InputError(
                f"The files of an encoder of recordings take samples and give embeddings: leave out `{name}`. "
                f"Received: {name}={getattr(config, name)!r}"
            )

"""What `byol-keras export --web` does."""

import dataclasses
import os
from pathlib import Path

from ..errors import InputError
from ..export.encoder import image_shape
from ..export.web.page import check_page_input, write_web_page
from ..models.mel_input import mel_rate
from ..runs.load import load_encoder, value_range_of
from .export import export_run
from .export_config import ExportConfig


def export_web(
    folder: str | os.PathLike,
    out: str | os.PathLike,
    config: ExportConfig,
    node_modules: str | os.PathLike | None = None,
) -> Path:
    """Exports a run's encoder as one .tflite, compares it with Keras, and writes a page that runs it in a browser.

    Args:
        folder: the run, or a .keras file of an encoder.
        out: gets what `export_run` writes of a .tflite, and the page: see `export.write_web_page`.
        config: what to write; its format is set to "tflite".
        node_modules: where LiteRT.js is, or None to fetch it with npm.

    Returns:
        Path of index.html.

    Raises:
        InputError: for a mistake in what was passed, and where LiteRT.js is not to be had.
        ParityError: where the file differs from Keras by more than its format may.
    """
    if len(config.quantizations) != 1:
        raise InputError("A page has one file: name its format. Received: quantize='all'")
    if config.io != "float32" or config.batch != 1:
        raise InputError(
            "The page gives the file one image a call, in float32: leave out io and batch. "
            f"Received: io={config.io!r}, batch={config.batch}"
        )
    if config.format not in ("all", "tflite"):
        raise InputError(f"A page runs a .tflite: leave out format. Received: format={config.format!r}")
    if config.scores_only:
        raise InputError("The page compares embeddings: leave out scores_only. Received: scores_only=True")
    encoder = load_encoder(folder)
    if mel_rate(encoder) is not None:
        raise InputError(f"The page is for images, and {folder} is of recordings: export the .tflite by itself.")
    check_page_input(image_shape(encoder)[2], value_range_of(folder), folder)
    config = dataclasses.replace(config, format="tflite")
    export_run(folder, out, config)
    name = "classifier" if config.has_head else "encoder"
    kind = "" if config.quantize == "none" else f"-{config.quantize}"
    page = write_web_page(Path(out) / f"{name}{kind}.tflite", out, node_modules)
    print(f"{page}: put {out} on any file server, or try it with python -m http.server --directory {out}")
    return page

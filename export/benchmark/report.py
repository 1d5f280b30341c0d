"""The measured choice: what each exported file costs and keeps, beside other ways to run the same network."""

import contextlib
import dataclasses
import datetime
import importlib.util
import json
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from byol_keras.errors import InputError
from byol_keras.precision import cast_model
from byol_keras.utils.write_files import write_files

from ..formats.interchange import onnx
from ..parity.accuracy import NEIGHBORS
from ..parity.check import Parity
from .measure import BATCH, ROUNDS, Measurement, measure
from .report_page import report_page


def check_extras() -> None:
    """Raise InputError where the chart cannot be drawn: better now than after the export."""
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError('--report draws a chart with matplotlib. Install it: pip install "byol_keras[report]"')


def write_report(
    encoder: keras.Model,
    artifacts: Mapping[str, Path],
    parities: list[Parity],
    images: np.ndarray,
    out: Path,
    threads: int | None = None,
) -> list[Measurement]:
    """Measure the files beside Keras, and beside ONNX Runtime and torch where these are installed.

    encoder: the keras.Model that was exported; Keras, ONNX Runtime and torch run its float32 copy. ONNX Runtime wants
        tf2onnx as well, torch tf2onnx and onnx2torch.
    artifacts, parities: the exported files by name, and what the comparison with Keras said of each.
    images: uint8 (N, H, W, C) of the encoder's size.
    out: folder; gets report.html and report.json.
    threads: for each runtime; by default the CPUs that this process may use.
    """
    formats = {parity.artifact: parity.format.split()[0] for parity in parities}
    with tempfile.TemporaryDirectory() as folder:
        files = {name: (formats[name], path) for name, path in artifacts.items()}
        files |= _beside(encoder, Path(folder))
        # What others cannot convert is no reason to go without the rest.
        measured = measure(files, images / np.float32(255), threads, optional=("ONNX", "torch"))
    rows = table_rows(measured, parities)
    text = "\n".join([_conditions(measured[0]), *_aligned(rows)])
    entries = [{**dataclasses.asdict(m), "images_per_second": m.images_per_second} for m in measured]
    html = report_page(encoder.name, _conditions(measured[0]), rows, measured)
    write_files(
        {out / "report.html": html.encode(), out / "report.json": (json.dumps(entries, indent=2) + "\n").encode()}
    )
    print(f"\n{text}\nReport: {out / 'report.html'}")
    return measured


def table_rows(measured: list[Measurement], parities: list[Parity]) -> list[list[str]]:
    """The header and a row for each measurement, as texts."""
    by_name = {parity.artifact: parity for parity in parities}
    judged = any(parity.knn is not None for parity in parities)
    kept = f"{NEIGHBORS}-NN, points kept" if judged else "cosine to Keras"
    header = ["file", "run by", "MB", "load ms", "1 image ms", "95 %", f"{BATCH} images ms", "95 %", "images/s", kept]
    rows = [header]
    for m in measured:
        times = [f"{m.load_ms:.1f}", f"{m.single_ms:.2f}", f"{m.single_p95_ms:.2f}"]
        times += [f"{m.batch_ms:.1f}", f"{m.batch_p95_ms:.1f}", f"{m.images_per_second:,.0f}"]
        size = f"{m.size_bytes / 1e6:.1f}"
        rows.append([m.name, m.runtime, size, *times, _kept(by_name.get(m.name), parities, judged)])
    return rows


def _kept(parity: Parity | None, parities: list[Parity], judged: bool) -> str:
    if not judged:
        return "" if parity is None else f"{parity.cosine:.4f}"
    if parity is None:
        return f"{100 * parities[0].knn_keras:.1f} %"
    return f"{100 * parity.knn:.1f} % ({100 * (parity.knn - parity.knn_keras):+.1f})"


def _conditions(measurement: Measurement) -> str:
    threads = "1 thread" if measurement.threads == 1 else f"{measurement.threads} threads"
    return (
        f"{threads} of {_processor()}; {ROUNDS} fresh processes for each, in turn; median and 95th percentile of the "
        f"calls; {datetime.date.today().isoformat()}"
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _beside(encoder: keras.Model, folder: Path) -> dict[str, tuple[str, Path]]:
    """The same network for Keras itself, and for ONNX Runtime and torch where that can be made and run."""
    encoder = cast_model(encoder, "float32")
    encoder.save(folder / "encoder.keras")
    files = {"Keras": ("keras", folder / "encoder.keras")}
    runtimes = {"ONNX": ("onnx", "onnxruntime"), "torch": ("torch", "onnx2torch")}
    usable = {name: kind for name, (kind, package) in runtimes.items() if _installed("tf2onnx", package)}
    if usable:
        try:
            path = onnx(encoder, folder / "encoder.onnx")
        except Exception as error:  # tf2onnx has no errors of its own
            print(f"Left out: {', '.join(usable)}: tf2onnx cannot convert the encoder: {error}")
        else:
            files |= {name: (kind, path) for name, kind in usable.items()}
    return files


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) for package in packages)

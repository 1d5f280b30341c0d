"""The measured choice: what each exported file costs and retains, beside other ways to run the same network."""

import contextlib
import dataclasses
import datetime
import json
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from byol_keras.precision import cast_model
from byol_keras.utils.atomic import write_files
from byol_keras.utils.extras import has_extra
from byol_keras.utils.text_table import text_table

from ..formats.onnx import onnx
from ..parity.accuracy import NEIGHBORS
from ..parity.parity import Parity
from .costs_page import costs_page
from .measurement import BATCH, ROUNDS, Measurement, measure


def write_costs(
    encoder: keras.Model,
    artifacts: Mapping[str, Path],
    parities: list[Parity],
    images: np.ndarray,
    out: Path,
    threads: int | None = None,
) -> list[Measurement]:
    """Measures the files beside Keras, and beside ONNX Runtime and torch where these are installed.

    Args:
        encoder: the keras.Model that was exported; Keras, ONNX Runtime and torch run its float32 copy. ONNX Runtime
            wants tf2onnx as well, torch tf2onnx and onnx2torch.
        artifacts: the exported files by name.
        parities: what the comparison with Keras found of each.
        images: (N, H, W, C) uint8 of the encoder's size.
        out: folder; gets report.html and report.json.
        threads: for each runtime; by default the CPUs that this process may use.

    Returns:
        A measurement of each file, then of Keras, ONNX Runtime and torch where they ran.
    """
    formats = {parity.artifact: parity.format.split()[0] for parity in parities}
    with tempfile.TemporaryDirectory() as folder:
        files = {name: (formats[name], path) for name, path in artifacts.items()}
        files |= _other_runtimes(encoder, Path(folder))
        # What others cannot convert is no reason to go without the rest.
        measured = measure(files, images / np.float32(255), threads, optional=("ONNX", "torch"))
    header, *rows = measurement_rows(measured, parities)
    entries = [{**dataclasses.asdict(m), "images_per_second": m.images_per_second} for m in measured]
    html = costs_page(encoder.name, _conditions(measured[0]), [header, *rows], measured)
    write_files(
        {out / "report.html": html.encode(), out / "report.json": (json.dumps(entries, indent=2) + "\n").encode()}
    )
    print(f"\n{_conditions(measured[0])}\n{text_table(header, rows, left=header[:2])}\nReport: {out / 'report.html'}")
    return measured


def measurement_rows(measured: list[Measurement], parities: list[Parity]) -> list[list[str]]:
    """The header and a row for each measurement, as texts.

    Args:
        measured: of the files and of the other runtimes.
        parities: of the files.
    """
    by_name = {parity.artifact: parity for parity in parities}
    has_knn = any(parity.knn is not None for parity in parities)
    retained = f"{NEIGHBORS}-NN (change in points)" if has_knn else "cosine to Keras"
    header = ["file", "run by", "MB", "load ms", "1 image ms", "95 %", f"{BATCH} images ms", "95 %", "images/s"]
    has_arena = any(parity.arena_bytes for parity in parities)
    rows = [[*header, *(["arena kB"] if has_arena else []), retained]]
    for m in measured:
        times = [f"{m.load_ms:.1f}", f"{m.single_ms:.2f}", f"{m.single_p95_ms:.2f}"]
        times += [f"{m.batch_ms:.1f}", f"{m.batch_p95_ms:.1f}", f"{m.images_per_second:,.0f}"]
        size = f"{m.size_bytes / 1e6:.1f}"
        parity = by_name.get(m.name)
        arena = [f"{parity.arena_bytes / 1000:.0f}" if parity and parity.arena_bytes else ""] if has_arena else []
        rows.append([m.name, m.runtime, size, *times, *arena, _retained(parity, parities, has_knn)])
    return rows


def _retained(parity: Parity | None, parities: list[Parity], has_knn: bool) -> str:
    if not has_knn:
        return "" if parity is None else f"{parity.cosine:.4f}"
    if parity is None:
        return f"{100 * parities[0].knn_keras:.1f} %"
    return f"{100 * parity.knn:.1f} % ({100 * (parity.knn - parity.knn_keras):+.1f})"


def _conditions(measurement: Measurement) -> str:
    threads = "1 thread" if measurement.threads == 1 else f"{measurement.threads} threads"
    return (
        f"{threads} of {_cpu()}; {ROUNDS} fresh processes for each, in turn; median and 95th percentile of the "
        f"calls; {datetime.date.today().isoformat()}"
    )


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _other_runtimes(encoder: keras.Model, folder: Path) -> dict[str, tuple[str, Path]]:
    """The same network for Keras itself, and for ONNX Runtime and torch where that can be made and run."""
    encoder = cast_model(encoder, "float32")
    encoder.save(folder / "encoder.keras")
    files = {"Keras": ("keras", folder / "encoder.keras")}
    runtimes = {"ONNX": ("onnx", "onnxruntime"), "torch": ("torch", "onnx2torch")}
    usable = {name: kind for name, (kind, package) in runtimes.items() if has_extra("tf2onnx", package)}
    if usable:
        try:
            path = onnx(encoder, folder / "encoder.onnx")
        except Exception as error:  # tf2onnx has no errors of its own
            print(f"Skipped: {', '.join(usable)}: tf2onnx cannot convert the encoder: {error}")
        else:
            files |= {name: (kind, path) for name, kind in usable.items()}
    return files

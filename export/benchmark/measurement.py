"""Exported files measured side by side, each in fresh processes of its own."""

import dataclasses
import json
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

import byol_keras
from byol_keras.errors import InputError, ParityError
from byol_keras.utils.hardware import cpu_count

from ..parity.comparison import size_of
from ..parity.fresh_process import run_isolated

BATCH = 32
ROUNDS = 3  # processes for each file, in turn, so that what else the machine does falls on all alike
SECONDS = 1.0  # of calls with one image, and again with a batch, in each process
PACKAGES = Path(byol_keras.__file__).parents[1]  # a fresh Python does not find it if it lies in the current folder


@dataclasses.dataclass(frozen=True)
class Measurement:
    """How one file runs on this machine's CPU.

    Attributes:
        name: of the file, as given.
        runtime: what ran it, and its version.
        threads: that it ran on.
        size_bytes: of the file, or of all files in the folder.
        load_ms: milliseconds from the file to a network ready to run; median of the rounds.
        single_ms: milliseconds of a call with one image; median.
        single_p95_ms: the 95th percentile of these.
        batch_ms: milliseconds of a call with BATCH images; median. A .tflite file with a batch of 1 is run BATCH times.
        batch_p95_ms: the 95th percentile of these.
    """

    name: str
    runtime: str
    threads: int
    size_bytes: int
    load_ms: float
    single_ms: float
    single_p95_ms: float
    batch_ms: float
    batch_p95_ms: float

    @property
    def images_per_second(self) -> float:
        """With BATCH images in a call."""
        return 1000 * BATCH / self.batch_ms


def measure(
    files: Mapping[str, tuple[str, str | os.PathLike]],
    images: np.ndarray,
    threads: int | None = None,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    optional: Collection[str] = (),
) -> list[Measurement]:
    """Measures each file in turn, `rounds` times over.

    Args:
        files: by name (kind, path); kind is a key of `worker.RUNTIMES`.
        images: (N, H, W, C) float32 in [0, 1], of the encoder's size; repeated to BATCH.
        threads: for each runtime; by default the CPUs that this process may use.
        rounds: fresh processes for each file.
        seconds: of calls with one image, and again with a batch, in each process.
        optional: names of files that are skipped, with a printed line, if they do not run.

    Returns:
        A measurement of each file that ran.

    Raises:
        InputError: for a wrong argument.
        ParityError: if a file that is not optional does not run.
    """
    threads = cpu_count() if threads is None else threads
    if threads < 1:
        raise InputError(f"A network runs on at least one thread. Received: threads={threads}")
    results = {name: [] for name in files}
    with tempfile.TemporaryDirectory() as folder:
        images_path = Path(folder) / "images.npy"
        np.save(images_path, np.resize(images, (BATCH, *images.shape[1:])))
        for _ in range(rounds):
            for name in list(results):
                kind, path = files[name]
                arguments = (kind, Path(path).resolve(), images_path, threads, seconds, PACKAGES)
                try:
                    results[name].append(_run(name, arguments, Path(folder) / "out.json"))
                except ParityError as error:
                    if name not in optional:
                        raise
                    print(f"Skipped: {error}")
                    del results[name]
    return [_summary(name, Path(files[name][1]), threads, result) for name, result in results.items()]


def _run(name: str, arguments: Iterable[object], out: Path) -> dict:
    run_isolated(name, Path(__file__).with_name("worker.py"), [*arguments, out])
    return json.loads(out.read_text())


def _summary(name: str, path: Path, threads: int, results: list[dict]) -> Measurement:
    single, batch = (np.concatenate([result[key] for result in results]) for key in ("single_ms", "batch_ms"))
    return Measurement(
        name=name,
        runtime=results[0]["runtime"],
        threads=threads,
        size_bytes=size_of(path),
        load_ms=float(np.median([result["load_ms"] for result in results])),
        single_ms=float(np.median(single)),
        single_p95_ms=float(np.percentile(single, 95)),
        batch_ms=float(np.median(batch)),
        batch_p95_ms=float(np.percentile(batch, 95)),
    )

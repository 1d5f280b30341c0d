"""Exported files measured side by side, each in fresh processes of its own."""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from byol_keras.errors import InputError, ParityError
from byol_keras.utils.cpu import cpu_count

BATCH = 32
ROUNDS = 3  # processes for each file, in turn, so that what else the machine does falls on all alike
SECONDS = 1.0  # of calls with one image, and again with a batch, in each process


@dataclasses.dataclass(frozen=True)
class Measurement:
    """How one file runs on this machine's CPU. Times in milliseconds."""

    name: str
    runtime: str  # what ran it, and its version
    threads: int
    size_bytes: int
    load_ms: float  # from the file to a network ready to run; median of the rounds
    single_ms: float  # median of the calls with one image
    single_p95_ms: float  # 95th percentile of these
    batch_ms: float  # median of the calls with BATCH images; a .tflite file with a batch of 1 is run BATCH times
    batch_p95_ms: float  # 95th percentile of these

    @property
    def images_per_second(self) -> float:
        return 1000 * BATCH / self.batch_ms


def measure(
    files: Mapping[str, tuple[str, str | os.PathLike]],
    images: np.ndarray,
    threads: int | None = None,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    optional: Collection[str] = (),
) -> list[Measurement]:
    """Measure each file in turn, `rounds` times over.

    files: by name (kind, path); kind is a key of `worker.KINDS`.
    images: float32 (N, H, W, C) in [0, 1], of the encoder's size; repeated to BATCH.
    threads: for each runtime; by default the CPUs that this process may use.
    optional: names of files that are left out, with a printed line, if they do not run.

    Raises InputError for a wrong argument, ParityError if another file does not run.
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
                out = Path(folder) / "out.json"
                try:
                    results[name].append(_run(name, (kind, Path(path).resolve(), images_path, threads, seconds, out)))
                except ParityError as error:
                    if name not in optional:
                        raise
                    print(f"Left out: {error}")
                    del results[name]
    return [_summary(name, Path(files[name][1]), threads, result) for name, result in results.items()]


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _run(name: str, arguments: Iterable) -> dict:
    command = [sys.executable, Path(__file__).with_name("worker.py"), *map(str, arguments)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    if process.returncode:
        last = (process.stderr.strip().splitlines() or ["no message"])[-1]
        raise ParityError(f"{name} does not run in a fresh process (exit code {process.returncode}): {last}")
    return json.loads(Path(command[-1]).read_text())


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

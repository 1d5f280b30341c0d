"""What the programs that run one exported file have in common: absent packages, times, the file of what came out.

They are started with `python -P`, which leaves their own folder out of the places where Python looks for modules, and
must run without Keras and byol_keras. So they put this folder there themselves and `import runner`; it needs only
numpy.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

BATCH = 32  # images in a call
WARM_UP = 5  # calls that are not counted
TIMED = 30  # calls with one image

# Of a batch of images: their embeddings (B, D); labels and scores (B,), or None where the model has no classes.
Functions = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None]

_blocked: set[str] = set()


def block(*packages: str) -> None:
    """Makes every import of these packages fail, as where they are not installed.

    Runtimes import TensorFlow or Keras by themselves where they find them.
    """
    _blocked.update(packages)
    for name in packages:
        sys.modules.setdefault(name, None)


def refuse_blocked() -> None:
    """Ends the process with a message if one of these packages was imported all the same, before `block`."""
    imported = {name.split(".")[0] for name, module in sys.modules.items() if module is not None}
    if needed := sorted(imported & _blocked):
        sys.exit(f"{_program()}: the model must run without {', '.join(needed)}, which something imported")


def milliseconds(call: Callable) -> tuple[object, float]:
    """What a call without arguments returns, and its time in milliseconds."""
    start = time.perf_counter()
    result = call()
    return result, 1000 * (time.perf_counter() - start)


def call_times(call: Callable, least: int, seconds: float = 0.0) -> list[float]:
    """Times of repeated calls, after a warm-up of WARM_UP calls and a fifth of `seconds`.

    Args:
        call: without arguments.
        least: of the calls that are timed, however long they take.
        seconds: for which they go on at least.

    Returns:
        At least `least` times in milliseconds.
    """
    start = time.perf_counter()
    calls = 0
    while calls < WARM_UP or time.perf_counter() - start < seconds / 5:
        call()
        calls += 1
    times = []
    start = time.perf_counter()
    while len(times) < least or time.perf_counter() - start < seconds:
        times.append(milliseconds(call)[1])
    return times


def run(load: Callable[[str], Functions]) -> None:
    """The program of a runner, with the arguments MODEL IMAGES.npy OUT.npz.

    OUT.npz gets `embedding` (N, D) float32; `load_ms`, the time to open the model; `latency_ms`, the median time for
    one image after warm-up, both in milliseconds. Of a classifier also `labels` (N,) and `scores` (N,), its top-1
    predictions.

    Args:
        load: path of the model -> `Functions` of images as they stand in IMAGES.npy.
    """
    if len(sys.argv) != 4:
        sys.exit(f"usage: python -P {_program()}.py MODEL IMAGES.npy OUT.npz")
    model, images_path, out = sys.argv[1:]
    images = np.load(images_path)
    (embed, classify), load_ms = milliseconds(lambda: load(model))
    batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
    arrays = {"embedding": np.concatenate([embed(batch) for batch in batches]), "load_ms": load_ms}
    if classify is not None:
        labels, scores = zip(*map(classify, batches), strict=True)
        arrays |= {"labels": np.concatenate(labels), "scores": np.concatenate(scores)}
    arrays["latency_ms"] = statistics.median(call_times(lambda: embed(images[:1]), TIMED))
    refuse_blocked()
    with open(out + ".part", "wb") as file:
        np.savez(file, **arrays)
    os.replace(out + ".part", out)


def _program() -> str:
    return Path(sys.argv[0]).stem

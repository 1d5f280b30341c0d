"""What every script prints and writes."""

import importlib.metadata
import json
import os
import platform
import statistics
from pathlib import Path

from byol_keras.utils.text_table import text_table


def machine():
    """The CPU, its cores and the versions of this side's packages."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "?")
    packages = ("tensorflow", "keras", "keras-cv", "byol_keras")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {"CPU": model, "cores": len(os.sched_getaffinity(0)), "python": platform.python_version(), **versions}


def take_turns(workers, rounds, **request):
    """Measures each worker once a round. Returns {name: list of answers}."""
    answers = {worker.name: [] for worker in workers}
    for _ in range(rounds):
        for worker in workers:
            answers[worker.name].append(worker.measure(**request))
    return answers


def median(answers, key):
    return statistics.median(answer[key] for answer in answers)


def table(title, header, rows):
    """Prints rows of strings and numbers in columns; numbers to three significant digits."""
    cells = [[_text(cell) for cell in row] for row in rows]
    print(f"\n{title}\n{text_table(header, cells, left=header[:1])}", flush=True)


def write(name, data, folder="benchmarks/results"):
    """Writes `data` and the machine to FOLDER/NAME.json."""
    path = Path(folder) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), **data}, indent=1) + "\n")
    print(f"Written to {path}")


def _text(cell):
    if isinstance(cell, float):
        return f"{cell:.3g}" if abs(cell) < 100 else f"{cell:.0f}"
    return str(cell)

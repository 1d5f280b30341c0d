"""Time to the first line of work: `import byol_keras` beside `import tensorflow`, and `byol-keras --help`.

python -m benchmarks.startup
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from .tables import table, write

COMMANDS = {
    "import tensorflow": [sys.executable, "-c", "import tensorflow"],
    "import byol_keras": [sys.executable, "-c", "import byol_keras"],
    "import byol_keras; byol_keras.BYOL": [sys.executable, "-c", "import byol_keras; byol_keras.BYOL"],
    "import keras (on TensorFlow)": [sys.executable, "-c", "import keras"],
    "byol-keras --help": [str(Path(sys.executable).with_name("byol-keras")), "--help"],
}


def main():
    seconds = {name: [] for name in COMMANDS}
    for _ in range(5):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    table("Start", ["process", "s"], list(medians.items()))
    write("startup", {"seconds": medians})


if __name__ == "__main__":
    main()

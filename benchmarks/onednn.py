"""The training step with oneDNN's kernels and without, in turn: whether they pay where TensorFlow leaves them off.

    python -m benchmarks.onednn [--case resnet18 32 128]

ResNet-18 at 32 px (batch 128) and `resnet8x2` (batch 64), or the cases given; float32, heads 4096 to 256, SGD with
momentum. On a processor with AVX-512's operations for networks TensorFlow has them on by itself. Some minutes.
"""

import argparse
import os
import sys

from .tables import median, table, take_turns, write
from .workers import Worker

CASES = [("resnet18", 32, 128), ("resnet8x2", 32, 64)]


def run(case, rounds):
    """Seconds a step of a case, by what the environment says."""
    workers = []
    for name, setting in (("off", "0"), ("on", "1")):
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = setting
        workers.append(Worker(name, sys.executable, "benchmarks.step_tensorflow", "ours", *case, "float32"))
    answers = take_turns(workers, rounds)
    for worker in workers:
        worker.close()
    return {name: median(of_worker, "seconds") for name, of_worker in answers.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", nargs=3, action="append", metavar=("NETWORK", "PIXELS", "BATCH"))
    options = parser.parse_args()
    results = {}
    for network, pixels, batch in options.case or CASES:
        case = f"{network}, {pixels} px, batch {batch}"
        results[case] = run((network, pixels, batch), options.rounds)
    rows = [[case, seconds["off"], seconds["on"], seconds["off"] / seconds["on"]] for case, seconds in results.items()]
    table("Seconds a step", ["step", "off", "on", "off / on"], rows)
    write("onednn", {"results": results})


if __name__ == "__main__":
    main()

"""The training step without augmentation: this package, plain Keras, byol-pytorch and lightly, in turn.

    python -m benchmarks.step
    python -m benchmarks.step --case resnet18 32 48

ResNet-18 at 32 px (batch 128) and ResNet-50 at 128 px (batch 16), or the cases given; heads 4096 to 256, SGD with
momentum. byol-pytorch and lightly are first tried in the four SETTINGS, and their best one takes part; plain Keras runs
in float32 and in bfloat16. A quarter of an hour on two cores.
"""

import argparse
import sys

from .peers import peers_python
from .tables import median, table, take_turns, write
from .workers import Worker

CASES = [("resnet18", 32, 128), ("resnet50", 128, 16)]
PEERS = ("byol-pytorch", "lightly")
SETTINGS = [
    ("bfloat16", "channels_last", "eager"),
    ("bfloat16", "contiguous_format", "eager"),
    ("float32", "channels_last", "eager"),
    ("bfloat16", "channels_last", "compiled"),
]


def best_setting(peer, case):
    """The fastest of SETTINGS for `peer`, each measured in a process of its own; and all the times."""
    seconds = {}
    for setting in SETTINGS:
        try:
            worker = Worker(peer, peers_python(), "benchmarks.step_torch", peer, *case, *setting)
        except RuntimeError as error:
            print(f"{peer} {setting} does not run: {str(error).splitlines()[-1]}", file=sys.stderr)
            continue
        seconds[setting] = min(worker.measure(steps=1)["seconds"] for _ in range(3))
        worker.close()
    return min(seconds, key=seconds.get), {" ".join(setting): value for setting, value in seconds.items()}


def run(case, rounds):
    network, image_size, batch_size = case
    ours, workers, tried = sys.executable, [], {}
    for kind in ("ours", "plain"):
        for policy in ("mixed_bfloat16", "float32"):
            arguments = ("benchmarks.step_tensorflow", kind, *case, policy)
            name = "byol_keras" if kind == "ours" else "plain Keras"
            workers.append(Worker(f"{name}, {policy.removeprefix('mixed_')}", ours, *arguments))
    for peer in PEERS:
        setting, tried[peer] = best_setting(peer, case)
        name = f"{peer}, {' '.join(setting)}"
        workers.append(Worker(name, peers_python(), "benchmarks.step_torch", peer, *case, *setting))
    gflop = workers[0].about["gflop_an_image"] * batch_size
    # Of plain Keras' process: its operations may use all CPUs.
    plain = next(worker for worker in workers if worker.name.startswith("plain"))
    floors = {"tensorflow": plain, "torch": workers[-1]}
    floors = {
        f"{side} {dtype}": max(worker.measure(floor=dtype)["gflops"] for _ in range(3))
        for side, worker in floors.items()
        for dtype in ("bfloat16", "float32")
    }
    answers = take_turns(workers, rounds)
    rows, results = [], {}
    for worker in workers:
        seconds = median(answers[worker.name], "seconds")
        gflops = gflop / seconds
        side = "tensorflow" if "Keras" in worker.name or "keras" in worker.name else "torch"
        floor = floors[f"{side} {'bfloat16' if 'bfloat16' in worker.name else 'float32'}"]
        peak = worker.close()
        rows.append([worker.name, seconds, batch_size / seconds, gflops, gflops / floor, peak])
        results[worker.name] = {"seconds": seconds, "gflops": gflops, "peak_mb": peak}
    header = ["step", "s / step", "images / s", "GFLOP / s", "of the matmul floor", "peak MB"]
    table(f"{network}, {image_size} px, batch {batch_size}, {gflop:.0f} GFLOP a step", header, rows)
    print("matmul floors, GFLOP/s:", ", ".join(f"{name} {value:.0f}" for name, value in floors.items()))
    return {"results": results, "floors": floors, "settings_tried": tried, "answers": answers}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", nargs=3, action="append", metavar=("NETWORK", "PIXELS", "BATCH"))
    options = parser.parse_args()
    cases = [(network, int(size), int(batch)) for network, size, batch in options.case or CASES]
    write("step", {f"{case[0]} {case[1]} px batch {case[2]}": run(case, options.rounds) for case in cases})


if __name__ == "__main__":
    main()

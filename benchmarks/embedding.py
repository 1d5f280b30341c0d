"""Embedding a folder of JPEG images: this package, PyTorch and ONNX Runtime, in turn.

    python -m benchmarks.embedding --data FOLDER

ResNet-18 at 96 px, in float32 unless bfloat16 is said; files decoded, cropped to their central square and resized. Five
minutes on two cores.
"""

import argparse
import sys

from .peers import peers_python
from .tables import median, table, take_turns, write
from .workers import Worker


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of .jpg or .jpeg images")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    frozen = "torch traced, frozen, channels_last"
    peers = ("torch eager", "torch channels_last", frozen, f"{frozen}, bfloat16", "ONNX Runtime")
    workers = [
        Worker(f"byol_keras, {precision}", sys.executable, "benchmarks.embedding_tensorflow", precision, arguments.data)
        for precision in ("float32", "bfloat16")
    ]
    workers += [Worker(peer, peers_python(), "benchmarks.embedding_torch", peer, arguments.data) for peer in peers]
    answers = take_turns(workers, arguments.rounds)
    rates = {name: median(values, "images_s") for name, values in answers.items()}
    rows = [[worker.name, rates[worker.name], worker.close()] for worker in workers]
    table("Embedding JPEG files, ResNet-18, 96 px", ["library", "images / s", "peak MB"], rows)
    write("embedding", {"images_s": rates})


if __name__ == "__main__":
    main()

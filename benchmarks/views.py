"""Two views of images: this package, keras-cv, Keras' layers, torchvision and lightly, in turn.

    python -m benchmarks.views --data FOLDER

512 images of FOLDER, at sizes of 32, 96 and 224 pixels from squares of 32, 128 and 256, out of memory and out of JPEG
files, on one core and on all. Twenty minutes on two cores.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

from .peers import peers_python
from .tables import median, table, take_turns, write
from .workers import Worker

# View size, size of the square images, batch.
SIZES = [(32, 32, 128), (96, 128, 64), (224, 256, 32)]
LIBRARIES = ["ours", "keras-cv", "keras", "torchvision", "lightly"]
IMAGES = 512


def squares(data, size, folder):
    """IMAGES images of `data`, their central squares resized to `size`, as JPEG files in `folder`."""
    paths = sorted(path for path in Path(data).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not paths:
        sys.exit(f"No .jpg or .png images in {data}")
    for i in range(IMAGES):
        image = Image.open(paths[i * len(paths) // IMAGES]).convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
        square.save(Path(folder) / f"{i}.jpg", quality=90)


def run(folder, view_size, batch_size, source, cores, rounds):
    workers = []
    for library in LIBRARIES:
        python = sys.executable if library in ("ours", "keras-cv", "keras") else peers_python()
        module = "benchmarks.views_tensorflow" if python == sys.executable else "benchmarks.views_torch"
        workers.append(Worker(library, python, module, library, source, folder, view_size, batch_size, cores))
    answers = take_turns(workers, rounds)
    for worker in workers:
        worker.close()
    return {name: median(values, "images_s") for name, values in answers.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of images")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, nargs="+", default=sorted({1, len(os.sched_getaffinity(0))}))
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 96, 224])
    arguments = parser.parse_args()
    rows, results = [], {}
    for view_size, image_size, batch_size in SIZES:
        if view_size not in arguments.sizes:
            continue
        with tempfile.TemporaryDirectory() as folder:
            squares(arguments.data, image_size, folder)
            for source in ("memory", "files"):
                for cores in arguments.cores:
                    rates = run(folder, view_size, batch_size, source, cores, arguments.rounds)
                    case = f"{view_size} px from {source}, {cores} core{'s' if cores > 1 else ''}"
                    ratios = [rates["ours"] / rates[name] for name in ("keras-cv", "lightly")]
                    rows.append([case, *rates.values(), *ratios])
                    results[case] = rates
                    print(case, {name: round(rate) for name, rate in rates.items()}, file=sys.stderr, flush=True)
    table("Two views, images a second", ["views", *LIBRARIES, "to keras-cv", "to lightly"], rows)
    write("views", {"images_s": results})


if __name__ == "__main__":
    main()

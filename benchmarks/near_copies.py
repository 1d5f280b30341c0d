"""How far copies of images are apart as squares of 32 px, and how far the nearest two different ones.

    python -m benchmarks.near_copies --data imagenette/train          # a folder of JPEGs

In levels of 256, root mean square: what `evaluation.pixels.near_copies` tells copies by. Some seconds.
"""

import argparse
import io

import numpy as np
from PIL import Image

from byol_keras.augment.crop import central_resize
from byol_keras.augment.layout import to_unit_range
from byol_keras.data import open_source
from byol_keras.evaluation.pixels import COPY_LEVELS, near_copies
from byol_keras.workflows.doctor import COPY_SIZE, neighboring

from .tables import table


def recompressed(image, quality):
    file = io.BytesIO()
    image.save(file, "jpeg", quality=quality)
    return Image.open(file)


COPIES = {
    "JPEG at quality 90": lambda image: recompressed(image, 90),
    "JPEG at quality 30": lambda image: recompressed(image, 30),
    "scaled to 3/4": lambda image: image.resize(
        (image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.LANCZOS
    ),
    "2 % cut off each side": lambda image: image.crop(
        (image.width // 50, image.height // 50, image.width - image.width // 50, image.height - image.height // 50)
    ),
}


def squares(images):
    """(N, 32, 32, 3) float32 in levels of 256, of PIL images."""
    whole = [to_unit_range(np.asarray(image.convert("RGB"))[None]) for image in images]
    return 255 * np.concatenate([central_resize(one, COPY_SIZE) for one in whole])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    source = open_source(parser.parse_args().data)
    source = source.subset(neighboring(len(source)))
    images = [Image.open(path).convert("RGB") for path in source.paths]
    pixels = squares(images)
    flat = pixels.reshape(len(pixels), -1)
    apart = np.stack([np.sqrt(np.square(flat - one).mean(axis=1)) for one in flat])
    np.fill_diagonal(apart, np.inf)
    rows = [["different images, the nearest", *np.quantile(apart.min(axis=1), [0.0, 0.5, 1.0])]]
    for name, change in COPIES.items():
        moved = np.sqrt(np.square(squares([change(image) for image in images]) - pixels).mean(axis=(1, 2, 3)))
        rows.append([name, *np.quantile(moved, [0.0, 0.5, 1.0])])
    table(f"{len(images)} images; copies are told at {COPY_LEVELS:g}", ["", "least", "median", "most"], rows)
    print(f"Taken for copies among the different ones: {100 * near_copies(pixels / 255).mean():.1f} %")


if __name__ == "__main__":
    main()

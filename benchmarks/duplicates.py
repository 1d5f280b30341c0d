"""What the threshold of `byol-keras duplicates` finds: copies of images, and different ones.

    python -m benchmarks.duplicates --encoder RUN --data FOLDER

Of 1,000 images a copy of each kind is compared with its original, and all images of the folder with each other. Two
minutes for 10,000 images of 96 px.
"""

import argparse
import io
import tempfile

import numpy as np
from PIL import Image, ImageEnhance

from byol_keras.data import open_source
from byol_keras.data.decode import decode
from byol_keras.evaluation import embed, l2_normalize_rows
from byol_keras.evaluation.neighbors import nearest
from byol_keras.runs.load import load_encoder
from byol_keras.tasks.retrieval.collection import open_collection
from byol_keras.tasks.retrieval.duplicates import usual_threshold

from .tables import table, write

COPIES = 1000


def jpeg(image, quality=90):
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=quality)
    return Image.open(buffer)


def scaled(image, factor):
    size = (round(image.width * factor), round(image.height * factor))
    return jpeg(image.resize(size, Image.Resampling.LANCZOS))


def trimmed(image, share):
    x, y = round(image.width * share), round(image.height * share)
    return jpeg(image.crop((x, y, image.width - x, image.height - y)))


KINDS = {
    "JPEG, quality 75": lambda image: jpeg(image, 75),
    "JPEG, quality 50": lambda image: jpeg(image, 50),
    "JPEG, quality 30": lambda image: jpeg(image, 30),
    "scaled to 2": lambda image: scaled(image, 2),
    "scaled to 3/4": lambda image: scaled(image, 0.75),
    "scaled to 1/2": lambda image: scaled(image, 0.5),
    "2 % off each side": lambda image: trimmed(image, 0.02),
    "5 % off each side": lambda image: trimmed(image, 0.05),
    "a tenth brighter": lambda image: jpeg(ImageEnhance.Brightness(image).enhance(1.1)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", required=True, help="a run, or a .keras file of an encoder")
    parser.add_argument("--data", required=True, help="folder of different images")
    arguments = parser.parse_args()
    encoder, collection = load_encoder(arguments.encoder), open_collection(arguments.data)
    source, _ = collection.opened(np.arange(len(collection)))
    vectors = l2_normalize_rows(embed(encoder, source))
    threshold = usual_threshold(vectors)
    chosen = np.sort(np.random.default_rng(0).permutation(len(source))[:COPIES])
    originals = [Image.fromarray(decode(source.paths[i])) for i in chosen]
    rows = []
    for kind, change in KINDS.items():
        copies = embedded(encoder, [change(image) for image in originals])
        distances = 1 - np.einsum("nd,nd->n", copies, vectors[chosen])
        rows.append([kind, float(np.median(distances)), float(np.mean(distances < threshold))])
    # The nearest of each image is itself.
    others = nearest(vectors, vectors, 2)[1][:, 1]
    rows.append(["another image, the nearest", float(np.median(others)), float(np.mean(others < threshold))])
    table(f"{arguments.encoder}: threshold {threshold:.4f}", ["copy", "median distance", "share below"], rows)
    write("duplicates", {"encoder": arguments.encoder, "threshold": threshold, "rows": rows})


def embedded(encoder, images):
    """PIL images to (N, D) float32, at length 1."""
    with tempfile.TemporaryDirectory() as folder:
        for i, image in enumerate(images):
            image.save(f"{folder}/{i:06}.png")
        return l2_normalize_rows(embed(encoder, open_source(folder)))


if __name__ == "__main__":
    main()

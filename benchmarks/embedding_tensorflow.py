"""Worker: `evaluation.embed` of 4,096 pictures of a folder. Arguments: precision, folder."""

import sys
import time

import byol_keras as bk
from byol_keras.data.folder import from_folder
from byol_keras.evaluation import embed

from .workers import serve


def main(precision, folder):
    pictures = from_folder(folder, memory_budget=0)
    pictures = pictures.subset(range(0, len(pictures), max(len(pictures) // 4096, 1))).subset(slice(4096))
    encoder = bk.resnet18(image_size=96)
    embed(encoder, pictures, precision=precision)

    def measure():
        start = time.perf_counter()
        embed(encoder, pictures, precision=precision)
        return {"images_s": len(pictures) / (time.perf_counter() - start)}

    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])

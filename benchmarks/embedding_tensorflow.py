"""Worker: `evaluation.embed` of 4,096 images of a folder. Arguments: precision, folder."""

import sys
import time

import byol_keras as bk
from byol_keras.data.folder import from_folder
from byol_keras.evaluation import embed

from .workers import serve


def main(precision, folder):
    source = from_folder(folder, memory_budget=0)
    source = source.subset(range(0, len(source), max(len(source) // 4096, 1))).subset(slice(4096))
    encoder = bk.resnet18(input_shape=(96, 96, 3))
    embed(encoder, source, precision=precision)

    def measure():
        start = time.perf_counter()
        embed(encoder, source, precision=precision)
        return {"images_s": len(source) / (time.perf_counter() - start)}

    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])

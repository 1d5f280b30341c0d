"""Worker: this package training for a given time. Arguments: system, .npz of images, seed, minutes in all."""

import math
import sys
import time

import keras
import numpy as np
import tensorflow as tf

import byol_keras as bk
from byol_keras.data.arrays import from_arrays
from byol_keras.data.train_pipeline import two_view_batches
from byol_keras.evaluation import embed
from byol_keras.runs.build import pixel_statistics
from byol_keras.utils.startup import view_threads

from .workers import serve

BATCH, RATE = 64, 1e-3


def main(_, data, seed, minutes):
    view_threads()  # as `byol-keras pretrain` does
    with np.load(data) as arrays:
        train, test = from_arrays(arrays["train"]), from_arrays(arrays["test"])
    keras.utils.set_random_seed(int(seed))
    keras.config.set_dtype_policy("mixed_bfloat16")
    mean, std = pixel_statistics(train, 32)
    model = bk.BYOL(bk.resnet8x2(input_shape=(32, 32, 3), mean=mean, std=std), tau=0.97)
    model.compile(keras.optimizers.AdamW(RATE, weight_decay=1e-6))
    model.optimizer.build(model.trainable_variables)
    batches = iter(two_view_batches(train, bk.TwoViews(32), BATCH, 10**9, int(seed)))
    step = tf.function(model.train_step, autograph=False)
    start_weights = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
    for _ in range(3):  # compiling
        step(next(batches))
    for variable, value in zip((*model.variables, *model.optimizer.variables), start_weights, strict=True):
        variable.assign(value)
    trained = {"seconds": 0.0, "steps": 0}

    def measure(until, out):
        while trained["seconds"] < until:
            start = time.perf_counter()
            elapsed = trained["seconds"] / (60 * float(minutes))
            model.optimizer.learning_rate.assign(RATE * (1 + math.cos(math.pi * min(elapsed, 1))) / 2)
            for _ in range(10):
                step(next(batches))
            trained["seconds"] += time.perf_counter() - start
            trained["steps"] += 10
        np.savez(out, train=embed(model.encoder, train), test=embed(model.encoder, test))
        return trained

    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])

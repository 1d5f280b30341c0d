"""Worker: this package training for a given time. Arguments: system, .npz of images, setting as JSON."""

import json
import sys
import time

import keras
import numpy as np
import tensorflow as tf

import byol_keras as bk
from byol_keras.data.arrays import from_arrays
from byol_keras.data.train_pipeline import two_view_batches
from byol_keras.evaluation import embed
from byol_keras.runs.build import build_views, pixel_statistics
from byol_keras.utils.startup import view_threads

from .accuracy_settings import rate_at, tau_at
from .workers import serve


def build(train):
    """The model of the recipe `short`."""
    recipe = bk.recipes.short()
    mean, std = pixel_statistics(train, recipe.image_size)
    encoder = bk.resnet8x2(input_shape=(recipe.image_size, recipe.image_size, 3), mean=mean, std=std)
    projector = bk.mlp(encoder.output_shape[-1], recipe.hidden_width, recipe.projection_width)
    projector.add(bk.CodingRateTerm(recipe.coding_rate_weight))
    predictor = bk.mlp(recipe.projection_width, recipe.hidden_width, recipe.projection_width)
    model = bk.BYOL(encoder, projector, predictor, tau=recipe.tau_base)
    model.compile(bk.Muon(recipe.learning_rate, weight_decay=recipe.weight_decay))
    model.optimizer.build(model.trainable_variables)
    return model, recipe


def main(_, data, setting):
    view_threads()  # as `byol-keras pretrain` does
    setting = json.loads(setting)
    with np.load(data) as arrays:
        train, test = from_arrays(arrays["train"]), from_arrays(arrays["test"])
    keras.utils.set_random_seed(setting["seed"])
    if setting["bfloat16"]:
        keras.config.set_dtype_policy("mixed_bfloat16")
    model, recipe = build(train)
    batches = iter(two_view_batches(train, build_views(recipe), recipe.batch_size, 10**9, setting["seed"]))
    step = tf.function(model.train_step, autograph=False)
    variables = (*model.variables, *model.optimizer.variables)
    start_weights = [variable.numpy() for variable in variables]
    for _ in range(3):  # compiling
        step(next(batches))
    for variable, value in zip(variables, start_weights, strict=True):
        variable.assign(value)

    def measure(out):
        seconds, steps, total = 0.0, 0, 60 * setting["minutes"]
        while seconds < total:
            start = time.perf_counter()
            model.optimizer.learning_rate.assign(rate_at(seconds / total, recipe.learning_rate))
            model.tau = tau_at(seconds / total, recipe.tau_base)
            for _ in range(10):
                step(next(batches))
            steps += 10
            seconds += time.perf_counter() - start
        np.savez(out, train=embed(model.encoder, train), test=embed(model.encoder, test))
        return {"steps": steps}

    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])

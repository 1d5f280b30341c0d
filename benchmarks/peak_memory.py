"""The most memory that a process takes which trains a few steps, beside what `byol-keras pretrain` says it will.

    python -m benchmarks.peak_memory --cases resnet8x2,64,64,float32,adamw resnet50,96,16,float32,lars

A case is backbone, image size, batch size, precision and optimizer; the rest is as in the recipe `short`. A process
each, half a minute to some minutes.
"""

import argparse
import dataclasses
import json
import resource
import subprocess
import sys

import numpy as np

import byol_keras as bk

from .tables import table, write

CASES = [
    "resnet8x2,32,64,float32,muon",
    "resnet8x2,64,64,bfloat16,muon",
    "resnet8x2,32,64,float32,adamw",
    "resnet8x2,64,64,float32,adamw",
    "resnet8x2,64,64,bfloat16,adamw",
    "resnet8x2,96,64,float32,adamw",
    "resnet18,64,64,float32,lars",
    "resnet18,96,32,bfloat16,lars",
    "resnet50,96,16,float32,lars",
]
STEPS = 6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=CASES)
    parser.add_argument("--in-process", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.in_process:
        print(json.dumps(train(*options.in_process.split(","))))
        return
    rows = []
    for case in options.cases:
        command = [sys.executable, "-m", "benchmarks.peak_memory", "--in-process", case]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        expected, taken = json.loads(said.splitlines()[-1])
        rows.append([case.replace(",", " "), round(expected / 1e6), round(taken / 1e6), round(expected / taken, 2)])
        print(*rows[-1], flush=True)
    table("Memory of a training process", ["case", "expected, MB", "taken, MB", "ratio"], rows)
    write("peak_memory", {"rows": rows})


def train(backbone, image_size, batch_size, precision, optimizer):
    """Bytes that training is expected to take, and that this process took."""
    from byol_keras.data import from_arrays
    from byol_keras.data.train_pipeline import two_view_batches
    from byol_keras.models.resnet import build_resnet
    from byol_keras.models.training_memory import expected_memory
    from byol_keras.precision import dtype_policy, policy_scope
    from byol_keras.runs.build import build_optimizer, build_views

    recipe = dataclasses.replace(
        bk.recipes.short(),
        backbone=backbone,
        image_size=int(image_size),
        batch_size=int(batch_size),
        precision=precision,
        optimizer=optimizer,
    )
    shape = (recipe.image_size, recipe.image_size, 3)
    with policy_scope(dtype_policy(precision)):
        encoder = build_resnet(backbone, input_shape=shape)
        width = recipe.projection_width
        projector = bk.mlp(encoder.output_shape[-1], recipe.hidden_width, width)
        projector.add(bk.CodingRateTerm(recipe.coding_rate_weight))
        model = bk.BYOL(encoder, projector, bk.mlp(width, recipe.hidden_width, width))
    model.compile(build_optimizer(recipe, STEPS, 1))
    images = np.random.default_rng(0).integers(0, 256, (2 * recipe.batch_size, *shape), np.uint8)
    batches = two_view_batches(from_arrays(images), build_views(recipe), recipe.batch_size, STEPS, 0)
    model.fit(batches, steps_per_epoch=STEPS, verbose=0, shuffle=False)
    taken = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return expected_memory(encoder, model.count_params(), recipe.batch_size), taken


if __name__ == "__main__":
    main()

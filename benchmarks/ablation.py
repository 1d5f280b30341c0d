"""BYOL with one thing changed: what collapses, what helps, what only costs.

    python -m benchmarks.ablation --data cifar10/train [--steps 300] [--seeds 0 1 2] [--cases "no predictor" ...]

The recipe `short` without its coding-rate term, which is BYOL, on 45,000 images of --data, a labeled source of color
images of one size that fit in memory, with a ResNet-8 of a quarter of its operations; 20-NN and a linear probe on 5,000
held out of it, by the labels of 10,000 others; target_std and the rank of projections of the last epoch's logs, and
processor time of a step. All cases make as many steps. One thread: give each process a core. What is in --out already
is not run again; with --cases and no name the table of it is printed.
"""

import argparse
import dataclasses
import functools
import json
import statistics
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import byol_keras as bk
from byol_keras.data import from_arrays, open_source
from byol_keras.data.train_pipeline import two_view_batches
from byol_keras.evaluation import embed, knn_accuracy, linear_accuracy
from byol_keras.models.resnet import HALVING_STEM, build_resnet
from byol_keras.precision import dtype_policy, policy_scope
from byol_keras.runs.build import build_optimizer, build_views
from byol_keras.runs.strategy import for_all_replicas

from .ablation_networks import CopiedStatistics, InferenceTarget, with_group_norm, without_batch_norm
from .recipe_trials import PIXELS, TRAIN
from .tables import table, write

# The probes learn from so many of the images that were trained on.
PROBED = 10_000


def no_loss(prediction, target):
    """Of BYOL's own loss nothing is left."""
    return tf.reduce_sum(0.0 * tf.cast(prediction, tf.float32), axis=1)


# Each of them is BYOL but for what is given: arguments of it (`extra_losses` as functions that make one), the class,
# what is done to its networks, how many replicas it is trained on, whether their batch norm is synchronized, and
# whether it is trained at all.
CASES = {
    "untrained": {"trained": False},
    "BYOL": {},
    "BYOL and a coding-rate term (`short`)": {"coding_rate": True},
    "squared distance, not normalized": {"loss": bk.objectives.squared_distance},
    "no predictor": {"predictor": False},
    "no predictor, no moving average (tau 0)": {"predictor": False, "tau": 0.0},
    "no moving average (tau 0)": {"tau": 0.0},
    "tau mirrored (0.004)": {"tau": 0.004},
    "target that stays (tau 1)": {"tau": 1.0},
    "and a decoder, 1": {"extra_losses": [lambda: bk.objectives.ReconstructionTerm(1.0)]},
    "decoder alone (autoencoder)": {"loss": no_loss, "extra_losses": [lambda: bk.objectives.ReconstructionTerm(1.0)]},
    "and a center loss, 0.01": {"extra_losses": [lambda: bk.objectives.CenterTerm(0.01)]},
    "and a center loss, 1": {"extra_losses": [lambda: bk.objectives.CenterTerm(1.0)]},
    "NT-Xent in its place, 0.5": {"loss": bk.objectives.NTXent(0.5)},
    "and an adversary, 0.1": {"extra_losses": [lambda: bk.objectives.CriticTerm(0.1)]},
    "target in inference, statistics averaged": {"model": InferenceTarget},
    "target in inference, statistics copied": {"model": CopiedStatistics},
    "group norm, standardized filters": {"change": with_group_norm},
    "no normalization": {"change": without_batch_norm},
    "2 replicas, synchronized": {"replicas": 2},
    "2 replicas, not synchronized": {"replicas": 2, "synchronized": False},
}


def build(recipe, case):
    """The model of a case."""
    change, width = case.get("change", lambda network: network), recipe.projection_width
    with policy_scope(dtype_policy(recipe.precision)):
        shape = (recipe.image_size, recipe.image_size, 3)
        # With the stem of `resnet8x2` and half its width: sixty trainings are to end.
        encoder = change(build_resnet("resnet8", input_shape=shape, stem=HALVING_STEM, **PIXELS))
        projector = change(bk.mlp(encoder.output_shape[-1], recipe.hidden_width, width))
        if case.get("coding_rate"):
            short = bk.recipes.short()
            projector.add(bk.CodingRateTerm(short.coding_rate_weight))
        predictor = change(bk.mlp(width, recipe.hidden_width, width))
        if not case.get("predictor", True):
            predictor = keras.Sequential([keras.Input((width,)), keras.layers.Identity()])
        extra_losses = [make() for make in case.get("extra_losses", ())]
        return case.get("model", bk.BYOL)(
            encoder, projector, predictor, loss=case.get("loss"), tau=case.get("tau", 0.996), extra_losses=extra_losses
        )


@functools.cache
def mirrored(replicas):
    """The strategy of so many replicas: a second one of the same devices would number its reductions from 0 again."""
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])


class StepTime(keras.callbacks.Callback):
    """Processor time of a step, without the first, which traces and compiles."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            self.begun = time.process_time()
        self.seconds = (time.process_time() - self.begun) / max(batch, 1)


def fit(case, source, seed, steps):
    """A model of the case after so many steps, and its last logs with the seconds of a step."""
    # float32, so that CPUs with and without bfloat16 agree.
    recipe = dataclasses.replace(bk.recipes.short(), coding_rate_weight=0.0, precision="float32")
    replicas = case.get("replicas", 1)
    strategy = mirrored(replicas) if replicas > 1 else tf.distribute.get_strategy()
    keras.utils.set_random_seed(seed)
    with strategy.scope():
        model = build(recipe, case)
        model.compile(build_optimizer(recipe, steps, steps // 20))
    if not case.get("trained", True):
        return model, {}
    if not case.get("synchronized", True):
        for network in (model.encoder, model.projector, model.predictor, model.target_encoder, model.target_projector):
            for layer in network.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.synchronized = False
    views, batch_size = build_views(recipe), recipe.batch_size
    batches = for_all_replicas(
        strategy,
        lambda context: two_view_batches(source, views, batch_size, steps, seed, input_context=context),
    )
    callbacks = [clock := StepTime(), *([] if "tau" in case else [bk.TargetEMA(recipe.tau_base, steps)])]
    history = model.fit(batches, steps_per_epoch=steps, callbacks=callbacks, verbose=0, shuffle=False)
    logs = {name: float(values[-1]) for name, values in history.history.items()}
    return model, {**logs, "seconds": clock.seconds}


def trial(name, images, labels, seed, steps):
    """One row of the table; a training whose numbers stop being numbers says so."""
    row = {"case": name, "seed": seed, "steps": steps}
    try:
        model, logs = fit(CASES[name], from_arrays(images[:TRAIN]), seed, steps)
    except bk.InputError as error:
        return {**row, "failed": str(error)}
    train, test = (embed(model.encoder, from_arrays(some)) for some in (images[:PROBED], images[TRAIN:]))
    for probe in (knn_accuracy, linear_accuracy):
        row[probe.__name__] = 100 * probe(train, labels[:PROBED], test, labels[TRAIN:])
    return {**row, "rank": float(bk.gauges.effective_rank(test[:2000])), **logs}


COLUMNS = {
    "20-NN, %": "knn_accuracy",
    "linear, %": "linear_accuracy",
    "target_std": "target_std",
    "rank of embeddings": "rank",
    "rank of projections": "projection_rank",
    "s / step": "seconds",
}


def print_table(rows):
    """Means and standard deviations over seeds, in the order of CASES."""
    lines = []
    for name, steps in sorted({(row["case"], row["steps"]) for row in rows}, key=lambda key: list(CASES).index(key[0])):
        of_case = [row for row in rows if (row["case"], row["steps"]) == (name, steps)]
        lines.append([name, steps, len(of_case), *(_mean(of_case, key) for key in COLUMNS.values())])
    table("Held-out images of the training set", ["case", "steps", "seeds", *COLUMNS], lines)


def _mean(rows, key):
    values = [row[key] for row in rows if key in row]
    if not values:
        return "no number"
    digits = 1 if key.endswith(("accuracy", "rank")) else 2
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 and key != "seconds" else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/ablation.jsonl"))
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    source = open_source(options.data)
    order = np.random.default_rng(0).permutation(len(source))
    images, labels = source.images[order], source.labels[order]
    for seed in options.seeds:
        for name in options.cases:
            if (name, seed, options.steps) not in {(row["case"], row["seed"], row["steps"]) for row in rows}:
                rows.append(trial(name, images, labels, seed, options.steps))
                with options.out.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
                keras.backend.clear_session()
    print_table(rows)
    write("ablation", {"rows": rows})


if __name__ == "__main__":
    main()

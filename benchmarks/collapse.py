"""Runs made to fail in several ways beside healthy ones: what BYOL's gauges and `byol-keras doctor` show of them.

    python -m benchmarks.collapse --data cifar10/train --seeds 0 1 2          # a labeled source of color images

Each trains a resnet8 at 32 px on 12,000 of the images; 2,000 others tell by their neighbors what the encoder is good
for, before and after. Nothing of a run depends on the others, so that --cases can share them out between processes, and
what is in --out already is not run again. Two to three minutes of one core for each.
"""

import argparse
import dataclasses
import json
import statistics
from pathlib import Path

import keras
import numpy as np

import byol_keras as bk
from byol_keras.callbacks.collapse_monitor import FIRST_STEPS, PATIENCE, collapse_sign
from byol_keras.callbacks.gauge_window import GaugeWindow
from byol_keras.data import open_source
from byol_keras.data.train_pipeline import two_view_batches
from byol_keras.evaluation import embed, knn_leave_one_out
from byol_keras.models.resnet import build_resnet
from byol_keras.precision import dtype_policy, policy_scope
from byol_keras.runs.build import build_optimizer, build_views
from byol_keras.workflows.doctor import match_and_color

from .tables import table

TRAIN, TEST = 12_000, 2_000
NO_VIEWS = {"crop_area": 1.0, "flip": 0.0, "jitter": 0.0, "grayscale": 0.0}
NO_VIEWS |= {"view_1_blur": 0.0, "view_2_blur": 0.0, "view_2_solarize": 0.0}
# Of the healthy runs with AdamW, unless a case says another.
RATE = 1e-3
LARS = {"optimizer": "lars", "weight_decay": 1e-6}
# As the recipe has it.
MUON = {"optimizer": "muon", "learning_rate": 1e-2}
# Fields of the recipe, and what no recipe can say: the decay held still, no predictor, few different images.
HEALTHY = {
    "short": MUON,
    "Muon, no term": {**MUON, "coding_rate_weight": 0.0},
    "AdamW": {},
    "no term": {"coding_rate_weight": 0.0},
    "rate x 2": {"learning_rate": 2 * RATE},
    "tau from 0.95": {"tau_base": 0.95},
    "tau from 0.996": {"tau_base": 0.996},
    "LARS": {**LARS, "learning_rate": 2.0},
    "heads 4096 wide, no term": {"hidden_width": 4096, "coding_rate_weight": 0.0},
    "batch of 256": {"batch_size": 256},
    "batch of 16": {"batch_size": 16},
    "blur": {"view_1_blur": 1.0, "view_2_blur": 0.1},
    "tiny crops": {"crop_area": 0.08},
    "resnet18": {"backbone": "resnet18"},
}
# Views that leave the color as it is, and views that leave little at all.
WRONG_VIEWS = {
    "color kept": {"jitter": 0.0, "grayscale": 0.0, "view_2_solarize": 0.0},
    "strong views": {
        "crop_area": 0.01,
        "jitter": 1.0,
        "brightness": 0.8,
        "contrast": 0.8,
        "saturation": 0.8,
        "hue": 0.5,
        "grayscale": 0.5,
        "view_1_blur": 1.0,
        "view_2_blur": 1.0,
    },
}
# Without the term, which would keep them from it.
COLLAPSING = {
    "no predictor": {"predictor": False},
    "no predictor, tau 0": {"predictor": False, "tau": 0.0},
    "tau 0": {"tau": 0.0},
    "learning rate x 10": {"learning_rate": 10 * RATE},
    "learning rate x 100": {"learning_rate": 100 * RATE},
    "SGD at rate 10": {"sgd": 10.0},
    "LARS, rate x 10": {**LARS, "learning_rate": 20.0},
    "Muon, rate x 10": {**MUON, "learning_rate": 0.1},
    "Muon, rate x 100": {**MUON, "learning_rate": 1.0},
    "Muon, no predictor": {**MUON, "predictor": False},
    "Muon, one image": {**MUON, "images": 1},
    "one image": {"images": 1},
    "four images": {"images": 4},
    "views without change": NO_VIEWS,
}
CASES = HEALTHY | WRONG_VIEWS | {name: {"coding_rate_weight": 0.0, **case} for name, case in COLLAPSING.items()}
GAUGES = ("loss", "target_std", "embedding_rank", "projection_rank")
SEEN = {"20-NN": "accuracy", "rank": "rank", "views found": "match", "nearest of like color": "color"}
# Steps of a window of `CollapseMonitor`, as it is made.
EVERY = 50


class Recorder(keras.callbacks.Callback):
    """The gauges of every FIRST_STEPS steps of an epoch, each the mean of these steps."""

    def __init__(self):
        super().__init__()
        self.rows, self._window = [], GaugeWindow()

    def on_epoch_begin(self, epoch, logs=None):
        self._window.begin(self.model)

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.steps)
        if step % FIRST_STEPS == 0:
            self.rows.append({"step": step, **self._window.means(self.model)})


def build(case, steps):
    """The compiled model of a case, and its recipe."""
    own = {key: case[key] for key in ("predictor", "tau", "sgd", "images") if key in case}
    recipe = dataclasses.replace(
        bk.recipes.short(),
        **{
            "backbone": "resnet8",
            "optimizer": "adamw",
            "learning_rate": RATE,
            **{key: value for key, value in case.items() if key not in own},
        },
    )
    with policy_scope(dtype_policy(recipe.precision)):
        encoder = build_resnet(
            recipe.backbone, input_shape=(32, 32, 3), mean=[0.49, 0.48, 0.45], std=[0.25, 0.24, 0.26]
        )
        width = recipe.projection_width
        projector = bk.mlp(encoder.output_shape[-1], recipe.hidden_width, width)
        if recipe.coding_rate_weight:
            projector.add(bk.CodingRateTerm(recipe.coding_rate_weight))
        predictor = bk.mlp(width, recipe.hidden_width, width)
        if own.get("predictor") is False:
            predictor = keras.Sequential([keras.Input((width,)), keras.layers.Identity()])
        model = bk.BYOL(encoder, projector, predictor, tau=own.get("tau", 0.99))
    optimizer = keras.optimizers.SGD(own["sgd"]) if "sgd" in own else build_optimizer(recipe, steps, steps // 12)
    model.compile(optimizer)
    return model, recipe


def run(case, source, others, seed, steps):
    """Trains one case; what was seen of it."""
    if images := case.get("images"):
        source = source.subset(np.arange(1024) % images)
    keras.utils.set_random_seed(seed)
    model, recipe = build(case, steps)

    def seen():
        vectors = embed(model.encoder, others)
        match, color = match_and_color(source, recipe, model.encoder)
        accuracy = float(np.mean(knn_leave_one_out(vectors, others.labels)))
        return {"accuracy": accuracy, "rank": float(bk.gauges.effective_rank(vectors)), "match": match, "color": color}

    untrained, recorder = seen(), Recorder()
    schedule = [] if "tau" in case else [bk.TargetEMA(recipe.tau_base)]
    batches = two_view_batches(source, build_views(recipe), recipe.batch_size, steps, seed)
    model.fit(batches, steps_per_epoch=steps, callbacks=[*schedule, recorder], verbose=0, shuffle=False)
    return {"untrained": untrained, "trained": seen(), "windows": recorder.rows}


def step_of_sign(windows):
    """The step at which a `CollapseMonitor` speaks, from windows that are parts of its own; None where it does not."""
    first, size, signs = windows[0], EVERY // FIRST_STEPS, 0
    for end in range(1 + size, len(windows) + 1, size):
        part = windows[end - size : end]
        gauges = {name: statistics.mean(window[name] for window in part) for name in GAUGES}
        signs = signs + 1 if collapse_sign(gauges, first) else 0
        if signs == PATIENCE:
            return part[-1]["step"]
    return None


def print_table(rows):
    """What was seen before and after, each gauge in the first, the middle and the last window, the step of the sign."""
    header = ["case", "seed", *SEEN, *GAUGES, "sign at step"]
    lines = []
    for row in rows:
        windows = [row["windows"][i] for i in (0, len(row["windows"]) // 2, -1)]
        course = [" ".join(f"{window[name]:.3g}" for window in windows) for name in GAUGES]
        gained = [f"{row['untrained'][name]:.3g} {row['trained'][name]:.3g}" for name in SEEN.values()]
        lines.append([row["case"], row["seed"], *gained, *course, step_of_sign(row["windows"]) or "none"])
    table("Untrained and trained; the gauges at the first, middle and last steps", header, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/collapse.jsonl"))
    options = parser.parse_args()
    source = open_source(options.data)
    count = len(source)
    chosen = np.random.default_rng(0).permutation(count)
    source, others = source.subset(chosen[:TRAIN]), source.subset(chosen[TRAIN : TRAIN + TEST])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    for seed in options.seeds:
        for name in options.cases:
            if not any((row["case"], row["seed"]) == (name, seed) for row in done):
                row = {
                    "case": name,
                    "seed": seed,
                    **run(CASES[name], source, others, seed, options.steps),
                }
                done.append(row)
                with options.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    print_table(done)


if __name__ == "__main__":
    main()

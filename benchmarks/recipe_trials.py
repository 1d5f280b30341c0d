"""What recipes teach in equally many steps: 20-NN and a linear probe on images held out of the training set.

    python -m benchmarks.recipe_trials --data cifar10/train --steps 1500 --seeds 0 --cases "as found" "no blur"

--data is a labeled source of color images that fit in memory: the first 45,000 in a shuffled order are trained on, the
other 5,000 are what the probes are tested on, so that no test split is looked at. All cases see as many views: one with
larger batches makes fewer steps. What a step costs is in the table, in processor time of one thread: give each process
a core, and as many processes as are to share the machine. What is in --out already is not run again; without --cases
its table is printed. Six minutes each at 1,500 steps.
"""

import argparse
import dataclasses
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
from byol_keras.evaluation import embed, knn_accuracy, lidar, linear_accuracy
from byol_keras.models.resnet import HALVING_STEM, SMALL_STEM, build_resnet, resnet
from byol_keras.precision import dtype_policy, policy_scope
from byol_keras.runs.build import build_optimizer, build_views
from byol_keras.schedules import warmup_cosine

from .recipe_variants import (
    FourViews,
    Muon,
    WithTerm,
    coding_rate,
    correlation,
    four_view_batches,
    uniformity,
    vicreg,
)
from .tables import table, write

TRAIN, PROBED = 45_000, 20_000
PIXELS = {"mean": [0.49, 0.48, 0.45], "std": [0.25, 0.24, 0.26]}
# The recipe `short` as trials found it: AdamW, the paper's views but for tiny crops, the paper's heads, and no term.
FOUND = {
    "optimizer": "adamw",
    "hidden_width": 4096,
    "coding_rate_weight": 0.0,
    "learning_rate": 1e-3,
    "view_1_blur": 1.0,
    "view_2_blur": 0.1,
}
NO_BLUR = {"view_1_blur": 0.0, "view_2_blur": 0.0}
NARROW = {**NO_BLUR, "hidden_width": 1024}
WEAK_COLOR = {"brightness": 0.2, "contrast": 0.2, "saturation": 0.1, "hue": 0.05}


def _network(blocks, widths, stem):
    return lambda **kwargs: resnet(blocks, widths, stem=stem, **kwargs)


TRIED = {
    "tau from 0.9": {"tau_base": 0.9},
    "tau from 0.99": {"tau_base": 0.99},
    "batch 32": {"batch_size": 32, "tau_base": 0.985},
    "batch 128": {"batch_size": 128, "tau_base": 0.94},
    "decay 0.05": {"weight_decay": 0.05},
    "widths 32 128 256": {"network": _network((1, 1, 1), (32, 128, 256), HALVING_STEM)},
    "widths 32 128 384": {"network": _network((1, 1, 1), (32, 128, 384), HALVING_STEM)},
    "widths 64 to 512": {"network": _network((1, 1, 1), (64, 128, 512), HALVING_STEM)},
    "crops from 0.08": {"crop_area": 0.08},
    "half the color jitter": WEAK_COLOR,
    "heads 512": {"hidden_width": 512},
    "128 out": {"projection_width": 128},
}


def _narrow(term=None, weight=0.0, **fields):
    """A case: no blur, heads 1024 wide, and what is given; a term of the projections and its weight."""
    return {"term": term, "weight": weight, **NARROW, **fields}


def _short(**fields):
    """A case: the recipe `short` with AdamW, at half the rate that these trials found for it, and what is given."""
    return _narrow(coding_rate, 0.5, **fields)


CASES = {
    "as found": {},
    "no blur": NO_BLUR,
    "heads 1024": _narrow(),
    "heads 512, 128 out": _narrow(hidden_width=512, projection_width=128),
    **{f"correlation {w:g}": _narrow(correlation, w) for w in (0.005, 0.02, 0.05, 0.1)},
    **{f"correlation {w:g}, 64 out": _narrow(correlation, w, projection_width=64) for w in (0.02, 0.1)},
    **{f"VICReg terms {w:g}": _narrow(vicreg, w) for w in (0.2, 0.5, 1, 5)},
    **{f"coding rate {w:g}": _narrow(coding_rate, w) for w in (0.2, 0.5, 1, 5)},
    **{f"uniformity {w:g}": _narrow(uniformity, w) for w in (0.3, 1)},
    **{f"rate {rate:g}": _narrow(learning_rate=rate) for rate in (5e-4, 2e-3, 4e-3)},
    **{f"tau from {tau:g}": _narrow(tau_base=tau) for tau in (0.9, 0.99)},
    "batch 128, tau 0.94": _narrow(batch_size=128, tau_base=0.94),
    "batch 32, tau 0.985": _narrow(batch_size=32, tau_base=0.985),
    "short": _short(),
    **{f"short, rate {rate:g}": _short(learning_rate=rate) for rate in (5e-4, 2e-3, 4e-3)},
    **{f"short, rate 0.002, {name}": _short(**{"learning_rate": 2e-3, **more}) for name, more in TRIED.items()},
    **{f"short, {width} out": _short(projection_width=width) for width in (64, 128, 512)},
    **{f"short, heads {width}": _short(hidden_width=width) for width in (512, 2048)},
    "short, batch 128": _short(batch_size=128, tau_base=0.94),
    "short, batch 128, tau from 0.97": _short(batch_size=128),
    "short, batch 32": _short(batch_size=32, tau_base=0.985),
    **{f"short, tau from {tau:g}": _short(tau_base=tau) for tau in (0.9, 0.99)},
    **{f"short, crops from {area:g}": _short(crop_area=area) for area in (0.08, 0.35)},
    "short, half the color jitter": _short(**WEAK_COLOR),
    "short, no solarize": _short(view_2_solarize=0.0),
    "short, LARS": _short(optimizer="lars", learning_rate=2.0, weight_decay=1e-6),
    **{f"short, Muon, rate {rate:g}": _short(muon=(2, 4), learning_rate=rate) for rate in (1e-3, 2e-3, 5e-3, 1e-2)},
    **{
        f"short, Muon, {name}": _short(**{"muon": (2, 4), "learning_rate": 5e-3, **more})
        for name, more in TRIED.items()
    },
    **{f"short, Muon for filters, rate {rate:g}": _short(muon=(4,), learning_rate=rate) for rate in (5e-3, 1e-2, 2e-2)},
    **{
        f"short, Muon for filters, {name}": _short(**{"muon": (4,), "learning_rate": 5e-3, **more})
        for name, more in TRIED.items()
    },
    "no term, Muon, rate 0.005": _narrow(muon=(2, 4), learning_rate=5e-3),
    "short, four views of 32": _short(batch_size=32, four=True),
    "short, whole stem": _short(network=_network((1, 1, 1), (64, 128, 256), SMALL_STEM)),
    **{f"short, {share:g} of it at 24 px": _short(low=(24, share)) for share in (0.5, 0.7)},
    "short, 0.7 of it at 16 px": _short(low=(16, 0.7)),
    "short, four stages": _short(network=_network((1, 1, 1, 1), (64, 128, 256, 512), HALVING_STEM)),
    "short, widths 64 to 512": _short(network=_network((1, 1, 1), (64, 128, 512), HALVING_STEM)),
    "short, widths 32 128 256": _short(network=_network((1, 1, 1), (32, 128, 256), HALVING_STEM)),
    "short, widths 32 128 384": _short(network=_network((1, 1, 1), (32, 128, 384), HALVING_STEM)),
    "short, widths 96 to 384": _short(network=_network((1, 1, 1), (96, 192, 384), HALVING_STEM)),
    "short, blocks 1 2 2": _short(network=_network((1, 2, 2), (64, 128, 256), HALVING_STEM)),
    "correlation 0.02, rate 2e-3": _narrow(correlation, 0.02, learning_rate=2e-3),
    "correlation 0.02, tau from 0.9": _narrow(correlation, 0.02, tau_base=0.9),
    "correlation 0.02, batch 128": _narrow(correlation, 0.02, batch_size=128, tau_base=0.94),
    "correlation 0.02, crops from 0.08": _narrow(correlation, 0.02, crop_area=0.08),
    **{f"crops from {area:g}": _narrow(crop_area=area) for area in (0.08, 0.35)},
    "weight decay 0.05": _narrow(weight_decay=0.05),
    "no solarize": _narrow(view_2_solarize=0.0),
    "half the color jitter": _narrow(**WEAK_COLOR),
    "LARS": _narrow(optimizer="lars", learning_rate=2.0, weight_decay=1e-6),
    "four views of 32": _narrow(batch_size=32, four=True),
    "correlation 0.02, four views of 32": _narrow(correlation, 0.02, batch_size=32, four=True),
    "widths 96 to 384": _narrow(network=_network((1, 1, 1), (96, 192, 384), HALVING_STEM)),
    "blocks 1 2 2": _narrow(network=_network((1, 2, 2), (64, 128, 256), HALVING_STEM)),
    "four stages": _narrow(network=_network((1, 1, 1, 1), (64, 128, 256, 512), HALVING_STEM)),
    "correlation 0.02, whole stem": _narrow(correlation, 0.02, network=_network((1, 1, 1), (64, 128, 256), SMALL_STEM)),
}
OWN = ("term", "weight", "four", "network", "low", "muon")


def parts(case):
    """The recipe of a case, and what no recipe can say."""
    fields = {key: value for key, value in case.items() if key not in OWN}
    return dataclasses.replace(bk.recipes.short(), **{**FOUND, **fields}), {key: case.get(key) for key in OWN}


def fit(case, source, seed, steps, callbacks=()):
    """A model of the case after so many steps, and its last logs."""
    recipe, own = parts(case)
    keras.utils.set_random_seed(seed)
    size, share = own["low"] or (recipe.image_size, 0.0)
    if first := round(share * steps):
        model, _ = fit_part(dataclasses.replace(recipe, image_size=size), own, source, seed, steps, 0, first, None, ())
    else:
        model = None
    return fit_part(recipe, own, source, seed, steps, first, steps, model, callbacks)


def fit_part(recipe, own, source, seed, steps, first, last, before, callbacks):
    """The steps from `first` to `last`, going on with the weights and the optimizer of the model `before`."""
    model = build(recipe, own)
    # The warm-up of `short`: a twentieth of its ten epochs.
    optimizer = build_optimizer(recipe, steps, steps // 20)
    if own["muon"]:
        decay = {"weight_decay": recipe.weight_decay, "adam_weight_decay": recipe.weight_decay}
        optimizer = Muon(warmup_cosine(recipe.learning_rate, 256, steps, steps // 20), **decay)
        optimizer.ranks = own["muon"]
    model.compile(optimizer)
    model.optimizer.build(model.trainable_variables)
    if before is not None:
        model.set_weights(before.get_weights())
        for mine, theirs in zip(model.optimizer.variables, before.optimizer.variables, strict=True):
            mine.assign(theirs)
    made = four_view_batches if own["four"] else two_view_batches
    batches = made(source, build_views(recipe), recipe.batch_size, steps, seed)
    history = model.fit(
        batches.skip(first),
        steps_per_epoch=last - first,
        callbacks=[bk.TargetEMA(recipe.tau_base, steps), *callbacks],
        verbose=0,
        shuffle=False,
    )
    return model, {name: float(values[-1]) for name, values in history.history.items()}


def build(recipe, own):
    """The model of a case, at the recipe's image size."""
    width = recipe.projection_width
    with policy_scope(dtype_policy(recipe.precision)):
        shape = {"input_shape": (recipe.image_size, recipe.image_size, 3), **PIXELS}
        encoder = own["network"](**shape) if own["network"] else build_resnet(recipe.backbone, **shape)
        projector = bk.mlp(encoder.output_shape[-1], recipe.hidden_width, width)
        predictor = bk.mlp(width, recipe.hidden_width, width)
        model = (FourViews if own["four"] else WithTerm)(encoder, projector, predictor)
    model.term, model.weight = own["term"], own["weight"]
    return model


def views_of(encoder, images, count=10):
    """Embeddings of some views of each image, (N, count, D)."""
    views = build_views(parts({})[0])
    made = [views(images, seed=tf.constant([7, i]))[0] for i in range(count)]
    return np.stack([encoder.predict_on_batch(view) for view in made], 1)


def trial(name, images, labels, seed, steps):
    """One row of the table."""
    recipe, own = parts(CASES[name])
    batch_size = recipe.batch_size * (2 if own["four"] else 1)
    case_steps, begun = steps * 64 // batch_size, time.process_time()
    model, logs = fit(CASES[name], from_arrays(images[:TRAIN]), seed, case_steps)
    taken = time.process_time() - begun
    train, test = embed(model.encoder, from_arrays(images[:PROBED])), embed(model.encoder, from_arrays(images[TRAIN:]))
    probes = {
        probe.__name__: 100 * probe(train, labels[:PROBED], test, labels[TRAIN:])
        for probe in (knn_accuracy, linear_accuracy)
    }
    gauges = {
        "rank": float(bk.gauges.effective_rank(test[:2000])),
        "lidar": lidar(views_of(model.encoder, images[TRAIN : TRAIN + 400])),
    }
    row = {"case": name, "seed": seed, "steps": steps, "seconds": taken / steps}
    return {**row, "epochs": case_steps * recipe.batch_size / TRAIN, **probes, **gauges, **logs}


def print_table(rows):
    """Means over seeds, the best first."""
    lines = []
    for name, steps in dict.fromkeys((row["case"], row["steps"]) for row in rows):
        of_case = [row for row in rows if (row["case"], row["steps"]) == (name, steps)]
        lines.append([name, steps, len(of_case), *(_mean(of_case, key) for key in COLUMNS.values())])
    lines.sort(key=lambda line: (line[1], -float(line[5].split()[0])))
    table("Held-out images of the training set", ["case", "steps", "seeds", *COLUMNS], lines)


COLUMNS = {
    "epochs": "epochs",
    "s / step": "seconds",
    "20-NN, %": "knn_accuracy",
    "linear, %": "linear_accuracy",
    "rank": "rank",
    "LiDAR": "lidar",
    "embedding_rank": "embedding_rank",
    "projection_rank": "projection_rank",
    "target_std": "target_std",
    "loss": "loss",
}


def _mean(rows, key):
    values = [row[key] for row in rows]
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 and key.endswith("accuracy") else ""
    return f"{statistics.mean(values):.3g}{spread}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--cases", nargs="*", default=[], choices=CASES)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/recipe_trials.jsonl"))
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(row["case"], row["seed"], row["steps"]) for row in rows}
    source = open_source(options.data) if options.cases else None
    order = np.random.default_rng(0).permutation(len(source)) if options.cases else []
    for seed in options.seeds:
        for name in options.cases:
            if (name, seed, options.steps) not in done:
                rows.append(trial(name, source.images[order], source.labels[order], seed, options.steps))
                with options.out.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    print_table(rows)
    write("recipe_trials", {"rows": rows})


if __name__ == "__main__":
    main()

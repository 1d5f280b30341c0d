"""Does the choice help? Accuracy after a few labels, chosen by `byol-keras label` and at random, on real labels.

    python -m benchmarks.labeling RUN --train FOLDER               # on images held out of train, to choose by
    python -m benchmarks.labeling RUN --train FOLDER --test FOLDER

The labels are those of the folders. Each seed takes other POOL training images to choose from; single seeds differ by
several points. Prints a table and writes RUN/results/labeling.json with --test. Besides the embedding, a seed takes
about a minute on one core of a busy machine.
"""

import argparse
import shlex
import sys
import time

import numpy as np

from byol_keras.data import open_source
from byol_keras.evaluation import LinearHead, embed, probabilities
from byol_keras.runs.build import build_encoder
from byol_keras.runs.load import load_encoder
from byol_keras.runs.results import Result, write_results
from byol_keras.runs.results_table import results_table
from byol_keras.runs.run_config import load_run
from byol_keras.tasks.labeling.selection import typical_images, uncertain_images
from byol_keras.tasks.labeling.session import ROUND, LabelingSession

LABELS = (10, 20, 50, 100)
POOL, HELD_OUT = 4000, 3000


def accuracies(asked, pool, truth, test, test_truth):
    """The accuracy of a head trained on the first 10, 20 ... of the images `asked`, {labels: share}."""
    found = {}
    for count in LABELS:
        head = LinearHead.fit(pool[asked[:count]], truth[asked[:count]], range(truth.max() + 1))
        top_1 = np.array(head.labels, int)[np.argmax(probabilities(head, test), axis=1)]
        found[count] = float(np.mean(top_1 == test_truth))
    return found


def by_labeling(pool, truth):
    """The images `LabelingSession` asks about, in order."""
    labeling = LabelingSession([str(i) for i in range(len(pool))], pool)
    while len(labeling.labels) < LABELS[-1]:
        labeling.label(labeling.waiting[0], str(truth[labeling.waiting[0]]))
    return list(labeling.labels)


def uncertain_after_ten(pool, truth):
    """The images that would be asked about if the choice went from typical to uncertain ones after 10 labels."""
    asked = typical_images(pool, [], 10).tolist()
    while len(asked) < LABELS[-1]:
        head = LinearHead.fit(pool[asked], truth[asked], range(truth.max() + 1))
        asked += uncertain_images(asked, probabilities(head, pool), ROUND).tolist()
    return asked


def measure(seed, vectors, truth, test):
    """Of one seed: {method: {labels: accuracy}}. `vectors` by encoder, of train; `test` (vectors by encoder, truth)."""
    order = np.random.default_rng(seed).permutation(len(truth))
    if test is None:
        held_out, order = order[:HELD_OUT], order[HELD_OUT:]
        test = {name: values[held_out] for name, values in vectors.items()}, truth[held_out]
    pool, found = order[:POOL], {}
    for name, values in vectors.items():
        asked = {"asked": by_labeling(values[pool], truth[pool]), "at random": list(range(LABELS[-1]))}
        if name == "pretrained":
            asked["uncertain after 10"] = uncertain_after_ten(values[pool], truth[pool])
        for method, chosen in asked.items():
            found[f"{name}, {method}"] = accuracies(chosen, values[pool], truth[pool], test[0][name], test[1])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--train", required=True)
    parser.add_argument("--test")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    start, run, train = time.monotonic(), load_run(arguments.run), open_source(arguments.train)
    encoders = {"pretrained": load_encoder(arguments.run), "untrained": build_encoder(run)}
    vectors = {name: embed(encoder, train) for name, encoder in encoders.items()}
    test = None
    if arguments.test is not None:
        source = open_source(arguments.test)
        test = {name: embed(encoder, source) for name, encoder in encoders.items()}, source.labels
    measured = []
    for seed in range(arguments.seeds):
        measured.append(measure(seed, vectors, train.labels, test))
        print(f"seed {seed}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    data = f"{arguments.train} -> {arguments.test or f'{HELD_OUT} held out of it'}"
    settings = {"images_to_choose_from": POOL, "labels_per_round": ROUND, "seeds": arguments.seeds}
    command = shlex.join(["python", "-m", "benchmarks.labeling", *sys.argv[1:]])
    results = []
    for count in LABELS:
        scores = {method: [found[method][count] for found in measured] for method in measured[0]}
        task, seconds = f"{count} labels by byol-keras label", time.monotonic() - start
        results.append(Result(task, "accuracy", data, scores, settings, seconds, command))
    print(results_table(results))
    if test is not None:
        print(f"Written to {write_results(run, 'labeling', results)}")


if __name__ == "__main__":
    main()

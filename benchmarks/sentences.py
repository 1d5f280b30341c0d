"""Sentences and labels: a linear probe of an encoder trained without labels, of the untrained one, and bags of words.

    python -m benchmarks.sentences --train sst2/train.tsv --test sst2/test.tsv        # TEXT TAB LABEL, one a line

Each seed trains two encoders on the sentences of --train: a mean of the words' embeddings, and a Transformer of one
block. Labels are for the probes alone. The few settings tried were compared on SST-2's dev.tsv. A training takes two
minutes of one core or so.
"""

import argparse
import statistics
import time

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import byol_keras as bk

from .tables import table, write

VOCABULARY, LENGTH, EPOCHS, BATCH_SIZE = 2**13, 32, 3, 64
# The encoder, and how `TokenViews` distorts.
KINDS = {
    "mean of words": ({"width": 256, "depth": 0}, {"drop": 0.4, "mask": 0.0}),
    "one block": ({"width": 128, "depth": 1}, {"drop": 0.2, "mask": 0.15}),
}


def trained(kind, ids, seed, probe):
    """The probe before and after training, what was logged last, and seconds of CPU."""
    sizes, distortion = KINDS[kind]
    keras.utils.set_random_seed(seed)
    encoder = bk.token_transformer(VOCABULARY, LENGTH, **sizes)
    width = encoder.output_shape[-1]
    views = bk.TokenViews(VOCABULARY + 1, seed=seed, **distortion)
    model = bk.BYOL(encoder, bk.mlp(width, 512, 128), bk.mlp(128, 512, 128), augmenter=views)
    steps = EPOCHS * -(-len(ids) // BATCH_SIZE)
    model.compile(keras.optimizers.AdamW(bk.schedules.warmup_cosine(1e-3, 256, steps, steps // 10)))
    untrained, began = probe(model), time.process_time()
    logs = model.fit(ids, batch_size=BATCH_SIZE, epochs=EPOCHS, callbacks=[bk.TargetEMA(0.97)], verbose=0)
    seconds = time.process_time() - began
    last = {name: values[-1] for name, values in logs.history.items()}
    return {"untrained": untrained, "trained": probe(model), "seconds": seconds, "last": last}


def bag_of_words(train, test):
    """Accuracy of a logistic regression on TF-IDF, as scikit-learn has both, of words and of pairs of words."""
    found = {}
    for name, longest in (("words", 1), ("words and pairs", 2)):
        vectorizer = TfidfVectorizer(ngram_range=(1, longest))
        model = LogisticRegression(max_iter=1000).fit(vectorizer.fit_transform(train.texts), train.labels)
        found[name] = float(np.mean(model.predict(vectorizer.transform(test.texts)) == test.labels))
    return found


def mean_and_std(values):
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{100 * statistics.mean(values):.1f} ± {100 * std:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    train = bk.data.read_texts(options.train)
    test = bk.data.read_texts(options.test, train.class_names)
    frequent = float(np.mean(test.labels == np.bincount(train.labels).argmax()))
    bags = bag_of_words(train, test)
    rows = [["the more frequent class", "", f"{100 * frequent:.1f}", ""]]
    rows += [[f"TF-IDF of {name}, logistic regression", "", f"{100 * share:.1f}", ""] for name, share in bags.items()]
    ids, test_ids = (bk.data.word_ids(source.texts, LENGTH, VOCABULARY) for source in (train, test))

    def probe(model):
        vectors, test_vectors = (model.predict(x, batch_size=256, verbose=0) for x in (ids, test_ids))
        return bk.evaluation.linear_accuracy(vectors, train.labels, test_vectors, test.labels)

    runs = {}
    for kind in KINDS:
        runs[kind] = [trained(kind, ids, seed, probe) for seed in options.seeds]
        shares = [mean_and_std([run[state] for run in runs[kind]]) for state in ("untrained", "trained")]
        rows.append([f"BYOL, {kind}", *shares, statistics.median(run["seconds"] for run in runs[kind])])
        table("Right, %", ["", "untrained", "trained", "CPU s"], rows)
    write("sentences", {"frequent": frequent, "bag_of_words": bags, "runs": runs, "seeds": options.seeds})


if __name__ == "__main__":
    main()

"""A search among many embeddings: exact by comparing with each, approximate by a graph.

    python -m benchmarks.search                     # 10,000, 30,000 and 100,000 vectors made at random
    python -m benchmarks.search --embeddings FILE   # those of `byol-keras embed`, the last tenth of them as queries

CPU time on one thread, ten neighbors of each query. Three minutes; the last size is most of it.
"""

import argparse
import time

import numpy as np

from byol_keras.evaluation import l2_normalize_rows
from byol_keras.tasks.retrieval.neighbors import ApproximateNeighbors, ExactNeighbors

from .tables import table, write

NEIGHBORS = 10
QUERIES = 500
DIMENSIONS = 256


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", help="an .npz of byol-keras embed")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    arguments = parser.parse_args()
    if arguments.embeddings:
        vectors = np.random.default_rng(0).permutation(l2_normalize_rows(np.load(arguments.embeddings)["embeddings"]))
        queries = min(QUERIES, len(vectors) // 10)
        sets = [(vectors[:-queries], vectors[-queries:])]
    else:
        sets = [(drawn(size, 0), drawn(QUERIES, 1)) for size in arguments.sizes]
    rows = [measure(*given) for given in sets]
    header = ["vectors", "exact ms", "approximate ms", "recall of the exact", "first found", "build s", "graph MB"]
    table(f"One query, {NEIGHBORS} neighbors", header, rows)
    write("search", {"rows": [dict(zip(header, row, strict=True)) for row in rows]})


def drawn(count, seed):
    """Vectors like embeddings: no number below 0, and fewer directions than dimensions."""
    mixing = np.random.default_rng(9).normal(size=(16, DIMENSIONS))
    generator = np.random.default_rng(seed)
    hidden, noise = generator.normal(size=(count, 16)), generator.normal(size=(count, DIMENSIONS))
    return l2_normalize_rows(np.maximum(hidden @ mixing + 0.5 * noise, 0))


def measure(vectors, queries):
    exact = ExactNeighbors(vectors)
    start = time.process_time()
    approximate = ApproximateNeighbors(vectors)
    build = time.process_time() - start
    expected, exact_ms = one_by_one(exact, queries)
    found, approximate_ms = one_by_one(approximate, queries)
    recall = np.mean([len(set(a) & set(b)) / NEIGHBORS for a, b in zip(expected, found, strict=True)])
    first, size = float(np.mean(expected[:, 0] == found[:, 0])), len(approximate.saved_graph()) / 1e6
    return [len(vectors), exact_ms, approximate_ms, float(recall), first, build, size]


def one_by_one(neighbors, queries):
    """The neighbors of each query, (Q, NEIGHBORS), and the milliseconds that one took in the mean."""
    start = time.process_time()
    found = [neighbors.nearest(query[None], NEIGHBORS)[0][0] for query in queries]
    return np.array(found), 1000 * (time.process_time() - start) / len(queries)


if __name__ == "__main__":
    main()

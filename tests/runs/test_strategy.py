"""What is refused of a strategy before TensorFlow is asked."""

import json

import pytest
import tensorflow as tf

from byol_keras.errors import InputError
from byol_keras.runs.strategy import for_all_replicas, is_chief, open_strategy, own_part, wait_for_all, worker_count

WORKERS = {"worker": ["localhost:5000", "localhost:5001"]}


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{",
        "[]",
        {"cluster": WORKERS},
        {"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}},
        {"cluster": WORKERS, "task": {"type": "worker", "index": 2}},
        {"cluster": WORKERS, "task": {"type": "worker", "index": "first"}},
        {"cluster": {**WORKERS, "ps": ["localhost:5002"]}, "task": {"type": "worker", "index": 0}},
        {"cluster": WORKERS, "task": {"type": "evaluator", "index": 0}},
    ],
)
def test_workers_need_a_cluster(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(InputError, match=r'TF_CONFIG.*"task": \{"type": "worker", "index": 0\}.*Received: TF_CONFIG='):
        open_strategy("multi-worker")


def test_other_strategies_are_refused():
    with pytest.raises(InputError, match=r"must be one of mirrored, multi-worker\. Received: strategy='tpu'"):
        open_strategy("tpu")


@pytest.mark.parametrize("name", [None, "mirrored"])
def test_one_process_writes_and_waits_for_nobody(name):
    strategy = open_strategy(name)
    wait_for_all(strategy)
    assert is_chief(strategy)
    assert worker_count(strategy) == 1
    assert own_part(strategy) is None
    batches = tf.data.Dataset.range(3)
    assert for_all_replicas(strategy, lambda context: batches if context is None else None) is batches

"""Training under MirroredStrategy on two logical CPU devices, and by two workers, against the same training on one.

Devices must be set up before TensorFlow starts, so the training is run by this file as a script, in processes of their
own, which write down what came out.
"""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

STEPS = 2

pytestmark = pytest.mark.slow


def train(strategy, with_augmenter, count=8 * STEPS, batch_size=8):
    """Two steps of `fit`; returns the model and its logs."""
    import keras
    import tensorflow as tf

    import byol_keras as bk
    from byol_keras.models.heads import mlp
    from byol_keras.models.layers import batch_norm

    with strategy.scope():
        keras.utils.set_random_seed(0)
        inputs = x = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(batch_norm()(x))
        encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
        model = bk.BYOL(
            encoder,
            projector=mlp(4, 6, 3),
            predictor=mlp(3, 6, 3),
            augmenter=bk.TwoViews(8) if with_augmenter else None,
        )
        model.compile(bk.LARS(0.1, weight_decay=1e-3, eta=0.1))
    views = np.random.default_rng(0).random((2, count, 8, 8, 3), np.float32)
    data = (views[0], np.arange(count)) if with_augmenter else (tuple(views),)
    dataset = tf.data.Dataset.from_tensor_slices(data).batch(batch_size)
    logs = model.fit(dataset, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9)]).history
    evaluated = model.evaluate(dataset, verbose=0, return_dict=True)
    return model, {name: values[-1] for name, values in logs.items()} | {f"val_{k}": v for k, v in evaluated.items()}


def adamw():
    import keras

    return keras.optimizers.AdamW(1e-2, weight_decay=1e-2, gradient_accumulation_steps=2)


def clipped():
    """What Keras does around its update: it clips, undoes the scale of the loss, and constrains."""
    import keras

    return keras.optimizers.SGD(0.5, gradient_accumulation_steps=2, global_clipnorm=0.3, loss_scale_factor=1024.0)


def muon():
    import byol_keras as bk

    return bk.Muon(1e-2, weight_decay=1e-2, precision="float32", gradient_accumulation_steps=2)


def train_accumulating(strategy, optimizer=adamw):
    """Four steps of two updates: accumulated gradients, batch norm that is not synchronized, a term and a regularizer,
    a weight without a gradient, and a last batch of 5, of which one replica has 4.

    In float64, in which replicas add up in another order without that being seen.
    """
    import keras
    import tensorflow as tf

    import byol_keras as bk

    keras.config.set_dtype_policy("float64")
    bound = {"kernel_constraint": keras.constraints.MaxNorm(0.8, axis=(0, 1, 2))}
    with strategy.scope():
        keras.utils.set_random_seed(0)
        inputs = x = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, kernel_regularizer="l2", **bound)(x)
        x = x + keras.ops.stop_gradient(keras.layers.Conv2D(4, 1, use_bias=False)(x))
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
        projector = bk.mlp(4, 6, 3)
        projector.add(bk.CodingRateTerm(0.5))
        model = bk.BYOL(encoder, projector, bk.mlp(3, 6, 3))
        model.compile(optimizer())
    views = np.random.default_rng(0).random((2, 8 * 3 + 5, 8, 8, 3), np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((tuple(views),)).batch(8)
    logs = model.fit(dataset, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9)]).history
    keras.config.set_dtype_policy("float32")
    return model, {name: values[-1] for name, values in logs.items()}


def train_by_objectives(strategy):
    """An epoch by a contrastive loss and all extra losses, with a last batch of 5, of which one replica has 4."""
    import keras
    import tensorflow as tf

    import byol_keras as bk
    from byol_keras.models.layers import batch_norm
    from byol_keras.objectives import CenterTerm, CriticTerm, NTXent, ReconstructionTerm

    keras.config.set_dtype_policy("float64")
    with strategy.scope():
        keras.utils.set_random_seed(0)
        inputs = x = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(batch_norm()(x))
        encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
        extra_losses = [CenterTerm(0.1), ReconstructionTerm(1.0), CriticTerm(0.5, hidden_dim=5)]
        model = bk.BYOL(encoder, bk.mlp(4, 6, 3), bk.mlp(3, 6, 3), loss=NTXent(0.5), tau=0.5, extra_losses=extra_losses)
        model.compile(keras.optimizers.SGD(0.01))
    views = np.random.default_rng(0).random((2, 8 * 3 + 5, 8, 8, 3), np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((tuple(views),)).batch(8)
    logs = model.fit(dataset, shuffle=False, verbose=0).history
    evaluated = model.evaluate(dataset, verbose=0, return_dict=True)
    keras.config.set_dtype_policy("float32")
    return model, {name: values[-1] for name, values in logs.items()} | {f"val_{k}": v for k, v in evaluated.items()}


def work(path):
    """Trains as a worker of those in TF_CONFIG."""
    import tensorflow as tf

    model, logs = train_accumulating(tf.distribute.MultiWorkerMirroredStrategy())
    parts = (model.encoder, model.projector, model.predictor, model.target_encoder, model.target_projector)
    weights = {f"weights/{i}": v.numpy() for i, v in enumerate(v for part in parts for v in part.weights)}
    np.savez(path, **weights, **{f"logs/{name}": value for name, value in logs.items()})


def main(path):
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    results = {}
    one, alone = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0"])
    for name, strategy, trained in (
        ("one", one, lambda strategy: train(strategy, False)),
        ("two", two, lambda strategy: train(strategy, False)),
        # The last batch has 5, of which one replica has 4.
        ("one_augmenting", one, lambda strategy: train(strategy, True, 13)),
        ("two_augmenting", two, lambda strategy: train(strategy, True, 13)),
        ("one_by_two", one, lambda strategy: train(strategy, False, 4, 2)),
        ("two_by_two", two, lambda strategy: train(strategy, False, 4, 2)),
        ("alone", alone, lambda strategy: train(strategy, False)),
        ("one_accumulating", one, train_accumulating),
        ("alone_accumulating", alone, train_accumulating),
        ("two_accumulating", two, train_accumulating),
        ("one_muon", one, lambda strategy: train_accumulating(strategy, muon)),
        ("two_muon", two, lambda strategy: train_accumulating(strategy, muon)),
        ("one_clipped", one, lambda strategy: train_accumulating(strategy, clipped)),
        ("two_clipped", two, lambda strategy: train_accumulating(strategy, clipped)),
        ("one_objectives", one, train_by_objectives),
        ("two_objectives", two, train_by_objectives),
    ):
        model, logs = trained(strategy)
        results |= {f"{name}/logs/{key}": value for key, value in logs.items()}
        parts = (model.encoder, model.projector, model.predictor, model.target_encoder, model.target_projector)
        parts += tuple(model.extra_losses)
        for i, variable in enumerate(v for part in parts for v in part.weights):
            results[f"{name}/weights/{i}"] = variable.numpy()
            if strategy is two:
                for replica, value in enumerate(variable.value.values):
                    results[f"{name}/replica_{replica}/{i}"] = value.numpy()
        if model.augmenter is not None:
            results[f"{name}/calls"] = model.augmenter.next_seed.numpy()[1]
    np.savez(path, **results)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("distribution") / "results.npz"
    done = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return dict(np.load(path))


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """What each of two workers came out with."""
    folder = tmp_path_factory.mktemp("workers")
    with socket.socket() as first, socket.socket() as second:
        ports = []
        for free in (first, second):
            free.bind(("localhost", 0))
            ports.append(free.getsockname()[1])
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    started = []
    for index in range(2):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        command = [sys.executable, __file__, str(folder / f"{index}.npz"), "worker"]
        process = subprocess.Popen(command, env={**os.environ, "TF_CONFIG": config}, stderr=subprocess.PIPE, text=True)
        started.append(process)
    for process in started:
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said
    return [dict(np.load(folder / f"{index}.npz")) for index in range(2)]


def under(results, prefix):
    return {key.removeprefix(prefix): value for key, value in results.items() if key.startswith(prefix)}


def test_two_replicas_log_what_one_logs(results):
    one, two = under(results, "one/logs/"), under(results, "two/logs/")
    gauges = {"loss", "target_std", "embedding_rank", "projection_rank"}
    assert set(one) == gauges | {f"val_{name}" for name in gauges} | {"tau"}
    assert float(two["loss"]) == pytest.approx(float(one["loss"]), abs=1e-4)
    assert float(two["tau"]) == pytest.approx(float(one["tau"]), abs=1e-6)
    assert float(two["val_loss"]) == pytest.approx(float(one["val_loss"]), abs=1e-4)


def test_two_replicas_train_as_one(results):
    one, two = under(results, "one/weights/"), under(results, "two/weights/")
    assert len(one) == len(two) == 5 + 7 + 7 + 5 + 7
    for key, expected in one.items():
        np.testing.assert_allclose(two[key], expected, atol=1e-4)


@pytest.mark.parametrize(("name", "count"), [("two", 31), ("two_augmenting", 31), ("two_accumulating", 33)])
def test_replicas_hold_the_same_weights(results, name, count):
    first, second = under(results, f"{name}/replica_0/"), under(results, f"{name}/replica_1/")
    assert len(first) == count
    for key, expected in first.items():
        np.testing.assert_array_equal(second[key], expected)


def test_a_replica_may_have_one_image_of_a_batch(results):
    one, two = under(results, "one_by_two/weights/"), under(results, "two_by_two/weights/")
    for key, expected in one.items():
        np.testing.assert_allclose(two[key], expected, atol=1e-4)


def test_the_gauges_are_of_the_whole_batch(results):
    one, two = under(results, "one/logs/"), under(results, "two/logs/")
    for name in ("target_std", "embedding_rank", "projection_rank"):
        assert float(two[name]) == pytest.approx(float(one[name]), rel=1e-4)
        assert float(two[f"val_{name}"]) == pytest.approx(float(one[f"val_{name}"]), rel=1e-4)


def assert_same_training(found, expected, count=33):
    weights, expected_weights = under(found, "weights/"), under(expected, "weights/")
    assert len(weights) == len(expected_weights) == count
    for key, value in expected_weights.items():
        # The loss itself is computed in float32.
        np.testing.assert_allclose(weights[key], value, atol=1e-6)
    logs, expected_logs = under(found, "logs/"), under(expected, "logs/")
    assert set(logs) == set(expected_logs)
    for name, value in expected_logs.items():
        assert float(logs[name]) == pytest.approx(float(value), abs=1e-5)


def test_gradients_accumulate_over_two_replicas_as_on_one(results):
    assert_same_training(under(results, "two_accumulating/"), under(results, "one_accumulating/"))
    assert_same_training(under(results, "two_muon/"), under(results, "one_muon/"))
    assert_same_training(under(results, "two_clipped/"), under(results, "one_clipped/"))


def test_objectives_are_of_the_whole_batch(results):
    one, two = under(results, "one_objectives/"), under(results, "two_objectives/")
    # Those of a decoder, of a critic and of its samples are more.
    assert_same_training(two, one, count=31 + 4 + 7)
    for key, value in under(results, "two_objectives/replica_0/").items():
        np.testing.assert_array_equal(results[f"two_objectives/replica_1/{key}"], value)


def test_a_strategy_with_one_replica_trains_as_none(results):
    assert_same_training(under(results, "alone_accumulating/"), under(results, "one_accumulating/"))
    one, alone = under(results, "one/weights/"), under(results, "alone/weights/")
    for key, expected in one.items():
        np.testing.assert_allclose(alone[key], expected, atol=1e-4)


def test_two_workers_train_as_one(results, workers):
    for found in workers:
        assert_same_training(found, under(results, "one_accumulating/"))


def test_two_replicas_make_the_views_of_one(results):
    one, two = under(results, "one_augmenting/logs/"), under(results, "two_augmenting/logs/")
    assert set(one) == set(two)
    for name, value in one.items():
        assert float(two[name]) == pytest.approx(float(value), abs=1e-3)
    # Two steps of training; the views of evaluation are drawn from another seed.
    assert results["two_augmenting/calls"] == 2


if __name__ == "__main__":
    (work if sys.argv[2:] else main)(sys.argv[1])

"""Training on several replicas and workers, beside the same training on one device: how far its weights are from there.

    python -m benchmarks.replicas [--steps 20] [--precisions float64 float32] [--optimizers lars adamw accumulated]

A ResNet-18 at 16 px, with views that are the same for all, a batch of 16 of all replicas together. Replicas are logical
devices of one CPU, workers are processes of this machine; each row is of processes of its own. The largest difference
of each kind of weight after all steps. float64, in which the loss is computed as well, tells a mistake from rounding.
What training makes of small differences, the row of one device shows whose weights begin 1e-8 away; the row whose batch
norm is not synchronized shows what a mistake looks like.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from .tables import table, write

BATCH, SIZE = 16, 16
CASES = {
    "1 device": ("mirrored", 1),
    "1 device, from 1e-8 away": ("moved", 1),
    "2 replicas": ("mirrored", 2),
    "4 replicas": ("mirrored", 4),
    "2 workers": ("workers", 2),
    "4 workers": ("workers", 4),
    "2 replicas, batch norm not synchronized": ("unsynchronized", 2),
}
KINDS = ("trained", "target", "moving statistics")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--precisions", nargs="+", default=["float64", "float32"])
    parser.add_argument("--optimizers", nargs="+", default=["lars", "adamw", "accumulated"])
    parser.add_argument("--cases", nargs="+", default=list(CASES), help="the first is what the others are beside")
    parser.add_argument("--case", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        train(*options.case, options.steps)
        return
    rows = []
    for precision in options.precisions:
        for optimizer in options.optimizers:
            expected = None
            for name in options.cases:
                found = outcome(*CASES[name], optimizer, precision, options.steps)
                expected = expected or found
                differences = [float(np.abs(found[kind] - expected[kind]).max()) for kind in KINDS]
                rows.append([precision, optimizer, name, float(found["loss"]), *differences])
                print(*rows[-1], flush=True)
    table(
        f"ResNet-18 at {SIZE} px, batch {BATCH}, after {options.steps} steps: largest difference from one device",
        ["precision", "optimizer", "devices", "loss", *KINDS],
        rows,
    )
    write("replicas", {"rows": rows})


def outcome(kind, count, optimizer, precision, steps):
    """The loss and the weights of each kind, as one vector, that a training in processes of its own came out with."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0.npz"
        command = [sys.executable, "-m", "benchmarks.replicas", "--steps", str(steps), "--case", kind, str(count)]
        command += [optimizer, precision]
        processes = []
        for index, config in enumerate(clusters(count) if kind == "workers" else ["{}"]):
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_CONFIG": config}
            processes.append(subprocess.Popen([*command, str(path.with_stem(str(index)))], env=environment))
        for process in processes:
            if process.wait() != 0:
                raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        return dict(np.load(path))


def clusters(count):
    """TF_CONFIG of each of some workers on this machine."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    cluster = {"worker": addresses}
    return [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}}) for i in range(count)]


def float64_loss(prediction, target):
    """BYOL's, whose gradients the package rounds to float32, which depends on how many images a replica has."""
    import tensorflow as tf

    prediction, target = (tf.math.l2_normalize(vectors, axis=1) for vectors in (prediction, tf.stop_gradient(target)))
    return tf.cast(tf.reduce_sum(tf.square(prediction - target), axis=1), tf.float32)


def train(kind, count, optimizer, precision, path, steps):
    import keras
    import tensorflow as tf

    import byol_keras as bk
    from byol_keras.utils.private_api import all_layers

    if kind == "workers":
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif int(count) == 1:
        strategy = tf.distribute.get_strategy()
    else:
        cpu = tf.config.list_physical_devices("CPU")[0]
        devices = [tf.config.LogicalDeviceConfiguration()] * int(count)
        tf.config.set_logical_device_configuration(cpu, devices)
        strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(int(count))])
    keras.config.set_dtype_policy(precision)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        parts = bk.resnet18(input_shape=(SIZE, SIZE, 3)), bk.mlp(512, 64, 32), bk.mlp(32, 64, 32)
        model = bk.BYOL(*parts, loss=float64_loss if precision == "float64" else None)
        model.compile(
            {
                "lars": lambda: bk.LARS(0.2 * BATCH / 256),
                "adamw": lambda: keras.optimizers.AdamW(1e-3, weight_decay=1e-2),
                "accumulated": lambda: keras.optimizers.AdamW(1e-3, weight_decay=1e-2, gradient_accumulation_steps=2),
            }[optimizer]()
        )
    if kind == "moved":
        for variable in model.trainable_variables:
            variable.assign_add(1e-8 * keras.random.normal(variable.shape, seed=0))
    if kind == "unsynchronized":
        for layer in all_layers(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = False
    views = np.random.default_rng(0).random((2, BATCH * int(steps), SIZE, SIZE, 3), np.float32)
    batches = tf.data.Dataset.from_tensor_slices((tuple(views),)).batch(BATCH)
    logs = model.fit(batches, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.97)]).history
    online = (model.encoder, model.projector, model.predictor)
    kinds = {
        "trained": [v for part in online for v in part.trainable_variables],
        "target": [v for part in (model.target_encoder, model.target_projector) for v in part.weights],
        "moving statistics": [v for part in online for v in part.non_trainable_variables],
    }
    arrays = {kind: np.concatenate([v.numpy().ravel() for v in found]) for kind, found in kinds.items()}
    np.savez(path, loss=logs["loss"][-1], **arrays)


if __name__ == "__main__":
    main()

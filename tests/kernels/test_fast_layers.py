"""Whole networks with and without the quicker layers."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.kernels import fast_layers
from byol_keras.kernels.batch_norm import FusedBatchNormalization
from byol_keras.kernels.convolution import MatmulGradientConv2D

SIZE = 32


def small_resnet():
    return bk.resnet8(input_shape=(SIZE, SIZE, 3))


def with_biases():
    # What keras.applications has: Activation("relu"), biases, explicit padding, batch norm with constants of its own.
    inputs = x = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.ZeroPadding2D(3)(x)
    x = keras.layers.Conv2D(16, 7, strides=2)(x)
    x = shortcut = keras.layers.Activation("relu")(keras.layers.BatchNormalization(epsilon=1.001e-5)(x))
    for width in (16, 16):
        x = keras.layers.Conv2D(width, 3, padding="same")(x)
        x = keras.layers.Activation("relu")(keras.layers.BatchNormalization(epsilon=1.001e-5)(x))
    x = keras.layers.Activation("relu")(keras.layers.Add()([x, shortcut]))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def an_application():
    inputs = keras.Input((SIZE, SIZE, 3))
    return keras.applications.ResNet50(include_top=False, weights=None, input_tensor=inputs, pooling="avg")


class Subclass(keras.Model):
    """An encoder written as a class, with layers in a list inside a layer."""

    def __init__(self):
        super().__init__()
        layers = [
            keras.layers.Conv2D(8, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ]
        self.block = keras.Sequential(layers)
        self.pool = keras.layers.GlobalAveragePooling2D()

    def call(self, x, training=False):
        return self.pool(self.block(x, training=training))


def subclass():
    model = Subclass()
    model(np.zeros((1, SIZE, SIZE, 3), np.float32))
    return model


def training_pass(network, x):
    """The output in training mode, every gradient and every statistic afterwards, as float32 arrays."""

    def run(x):
        with tf.GradientTape() as tape:
            y = network(x, training=True)
            loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 2)
        return [y, *tape.gradient(loss, [v.value for v in network.trainable_variables])]

    start = network.get_weights()
    results = [tf.cast(t, tf.float32).numpy() for t in tf.function(run, autograph=False)(x)]
    results += [v.numpy() for v in network.non_trainable_variables]
    network.set_weights(start)
    return results


def distance(actual, expected):
    """Largest relative distance of an array from its counterpart; those that should be about zero count little."""
    size = max(np.linalg.norm(e) for e in expected)
    pairs = zip(actual, expected, strict=True)
    return max(np.linalg.norm(a - e) / max(np.linalg.norm(e), 1e-2 * size) for a, e in pairs)


@pytest.mark.parametrize(
    ("build", "policy"),
    [
        (small_resnet, "float32"),
        (small_resnet, "mixed_bfloat16"),
        (subclass, "float32"),
        (subclass, "mixed_bfloat16"),
        (with_biases, "float32"),
        (with_biases, "mixed_bfloat16"),
        # In bfloat16 it is so deep that rounding leaves nothing to compare.
        pytest.param(an_application, "float32", marks=pytest.mark.slow),
    ],
)
def test_numbers_are_those_of_plain_layers_but_for_rounding(build, policy, set_policy):
    keras.utils.set_random_seed(0)
    set_policy("float64")
    network = build()
    weights, x = network.get_weights(), np.random.default_rng(0).random((16, SIZE, SIZE, 3), np.float32)
    exact = training_pass(network, x)
    set_policy(policy)
    network = build()
    network.set_weights(weights)
    plain = training_pass(network, x)
    with fast_layers(network):
        fast = training_pass(network, x)
    # Rounding grows through a deep untrained network, differently for every order of the sums. Where TensorFlow leaves
    # oneDNN alone (older CPUs, or TF_ENABLE_ONEDNN_OPTS=0) its fused batch norm adds up in float32 one by one: up to
    # 3.9 times as far from the exact numbers as plain layers, over these networks and three seeds; else up to 2.8.
    assert distance(fast, exact) < (5 if policy == "float32" else 1.5) * distance(plain, exact) + 1e-5


def test_layers_are_plain_again_afterwards_whatever_happened():
    network = small_resnet()
    before = [type(layer) for layer in network.layers]

    def fail():
        kinds = {type(layer) for layer in network.layers}
        assert {FusedBatchNormalization, MatmulGradientConv2D} <= kinds
        assert not {keras.layers.BatchNormalization, keras.layers.Conv2D} & kinds
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), fast_layers(network):
        fail()
    assert [type(layer) for layer in network.layers] == before


def test_a_layer_class_of_the_user_is_never_swapped():
    class Doubled(keras.layers.ReLU):
        def call(self, x):
            return 2 * super().call(x)

    network = keras.Sequential([keras.Input((3,)), Doubled()])
    with fast_layers(network):
        assert type(network.layers[0]) is Doubled


@pytest.mark.slow
def test_across_replicas_batch_norm_stays_keras_own():
    # Devices must be set up before TensorFlow starts.
    program = """
import tensorflow as tf
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import byol_keras as bk
from byol_keras.kernels import fast_layers
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    network = bk.resnet8(input_shape=(16, 16, 3))
    with fast_layers(network):
        print(*{type(layer).__name__ for layer in network.layers})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    kinds = set(done.stdout.split())
    assert {"MatmulGradientConv2D", "BatchNormalization"} <= kinds
    assert not {"Conv2D", "FusedBatchNormalization"} & kinds


def test_the_training_step_runs_on_them(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    model.optimizer.build(model.trainable_variables)
    graph = tf.function(model.train_step).get_concrete_function((view_pair,)).graph
    # The encoder's and the projector's batch norm in four passes each, the predictor's in two.
    types = [op.type for op in graph.get_operations()]
    assert types.count("FusedBatchNormV3") == 4 + 4 + 2
    assert all(type(layer).__module__.startswith("keras.") for layer in model.encoder.layers)


def test_a_trained_encoder_loads_without_this_package(tiny_byol, view_pair, tmp_path):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(tf.data.Dataset.from_tensors((view_pair,)), shuffle=False, verbose=0)
    model.encoder.save(tmp_path / "encoder.keras")
    bk.resnet8(input_shape=(16, 16, 3), mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)).save(tmp_path / "resnet8.keras")
    code = (
        "import sys, keras\n"
        "for path in sys.argv[1:]: keras.models.load_model(path)\n"
        "assert not any(name.startswith('byol_keras') for name in sys.modules)\n"
    )
    files = [str(tmp_path / "encoder.keras"), str(tmp_path / "resnet8.keras")]
    subprocess.run([sys.executable, "-c", code, *files], check=True, capture_output=True, text=True)

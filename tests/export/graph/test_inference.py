"""Batch norm as a product and a bias, and what TensorFlow makes of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.export.graph.folded_batch_norm import FoldedBatchNormalization
from byol_keras.export.graph.inference import inference_graph


def drawn_weights(layer, seed=0):
    """Gives every weight of a layer or model another value than it began with; variances from 0.5."""
    generator = np.random.default_rng(seed)
    layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, (4, 5, 6, 3)),
        ({"scale": False}, (4, 5, 6, 3)),
        ({"center": False, "epsilon": 0.1}, (4, 5, 6, 3)),
        ({"axis": 1}, (4, 5, 6, 3)),
        ({}, (4, 3)),
        ({"axis": 3}, (4, 5, 6, 3)),
        ({"dtype": "mixed_bfloat16"}, (4, 5, 6, 3)),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_the_folded_layer_gives_what_keras_gives(settings, shape, training):
    layers = FoldedBatchNormalization(**settings), keras.layers.BatchNormalization(**settings)
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    outputs = []
    for layer in layers:
        layer.build(shape)
        drawn_weights(layer)
        outputs.append(np.asarray(layer(x, training=training), np.float32))
    assert layers[0].compute_dtype == layers[1].compute_dtype
    atol = 0.03 if "dtype" in settings else 1e-5
    np.testing.assert_allclose(*outputs, atol=atol)
    for ours, plain in zip(*(layer.get_weights() for layer in layers), strict=True):
        np.testing.assert_allclose(ours, plain)


def test_a_mask_is_kept_to():
    x, mask = np.ones((2, 3, 4), np.float32), np.array([[True, True, False], [True, False, False]])
    folded, plain = FoldedBatchNormalization(), keras.layers.BatchNormalization()
    np.testing.assert_allclose(folded(x, training=True, mask=mask), plain(x, training=True, mask=mask))
    np.testing.assert_allclose(folded.moving_mean, plain.moving_mean)


def test_the_graph_is_the_networks_and_leaves_the_network_alone(tiny_encoder):
    network = tiny_encoder()
    drawn_weights(network)
    images = np.random.default_rng(2).random((3, 8, 8, 3), np.float32)
    expected = network(images, training=False).numpy()
    graph = inference_graph(network, lambda x: network(x, training=False), tf.TensorSpec((None, 8, 8, 3)))
    (embeddings,) = tf.nest.flatten(graph(tf.constant(images)))
    np.testing.assert_allclose(embeddings, expected, atol=1e-5 * np.abs(expected).max())
    assert keras.layers.BatchNormalization in [type(layer) for layer in network.layers]
    # The weights are constants: what becomes of the network later does not matter.
    drawn_weights(network, seed=1)
    np.testing.assert_array_equal(tf.nest.flatten(graph(tf.constant(images)))[0], embeddings)

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk


class Unknown(keras.optimizers.SGD):
    """An optimizer of the user's own, which may do what XLA cannot."""


def updates_compiled(model, views):
    """Whether the step has a function that XLA must compile and that assigns variables, in a branch or not."""
    graph = tf.function(model.train_step).get_concrete_function((views,)).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    calls = [node for node in nodes if "PartitionedCall" in node.op and node.attr["_XlaMustCompile"].b]
    return any("_apply" in node.attr["f"].func.name for node in calls)


@pytest.mark.parametrize(
    ("optimizer", "compiled"),
    [
        (lambda: keras.optimizers.SGD(0.1), True),
        (lambda: keras.optimizers.AdamW(1e-3), True),
        (lambda: bk.LARS(0.1), True),
        (lambda: bk.Muon(0.1), False),
        (lambda: Unknown(0.1), False),
        (lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)), False),
    ],
)
def test_known_optimizers_are_compiled(tiny_byol, view_pair, optimizer, compiled):
    model = tiny_byol()
    model.compile(optimizer())
    model.optimizer.build(model.trainable_variables)
    assert updates_compiled(model, view_pair) == compiled


@pytest.mark.parametrize("optimizer", [keras.optimizers.AdamW, bk.LARS])
@pytest.mark.parametrize("settings", [{}, {"gradient_accumulation_steps": 2}, {"clipnorm": 0.1}, {"use_ema": True}])
def test_a_compiled_update_gives_the_same_weights(tiny_byol, optimizer, settings):
    # A subclass is not compiled, and is otherwise the same optimizer.
    plain = type("Plain", (optimizer,), {"__module__": __name__})
    weights = []
    for kind in (optimizer, plain):
        model = tiny_byol()
        model.compile(kind(0.05, weight_decay=1e-3, **settings))
        model.optimizer.build(model.trainable_variables)
        model.set_target_schedule(0.9, 4)
        update = tf.function(model._update)
        rng = np.random.default_rng(0)
        shapes = [v.shape for v in model.trainable_variables]
        draws = [[tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes] for _ in range(4)]
        taus = [float(update(gradients, tf.constant(True))) for gradients in draws]
        weights.append([taus, *model.get_weights(), *(v.numpy() for v in model.optimizer.variables)])
    for actual, expected in zip(*weights, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_a_piece_of_the_views_is_traced_once_for_all_that_have_its_size():
    def pieces(views):
        traced = tf.function(lambda images: views(images, seed=(0, 1)), autograph=False)
        graph = traced.get_concrete_function(tf.TensorSpec((4, 8, 8, 3))).graph.as_graph_def()
        names = (function.signature.name for function in graph.library.function)
        return {name for name in names if "recolored" in name}

    first = pieces(bk.TwoViews(8))
    assert len(first) == 1
    assert pieces(bk.TwoViews(8)) == first
    assert pieces(bk.TwoViews(12)).isdisjoint(first)

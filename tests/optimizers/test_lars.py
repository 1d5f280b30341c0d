import keras
import numpy as np
import pytest

import byol_keras as bk

RNG = np.random.default_rng(0)
# Name, value, three gradients; the last two kernels are the cases in which the ratio is 1.
PARAMETERS = [
    ("kernel", RNG.normal(size=(3, 2)), RNG.normal(size=(3, 3, 2))),
    ("kernel", RNG.normal(size=(3, 3, 2, 4)), 50 * RNG.normal(size=(3, 3, 3, 2, 4))),
    ("bias", RNG.normal(size=2), RNG.normal(size=(3, 2))),
    ("gamma", RNG.normal(size=2), RNG.normal(size=(3, 2))),
    ("beta", RNG.normal(size=(1, 1, 2)), RNG.normal(size=(3, 1, 1, 2))),
    ("kernel", np.zeros((3, 2)), RNG.normal(size=(3, 3, 2))),
    ("kernel", RNG.normal(size=(3, 2)), np.zeros((3, 3, 2))),
]


def reference(name, p, gradients, rates, weight_decay, momentum=0.9, eta=1e-3):
    """LARS in float64, straight from its formula."""
    m, path = np.zeros_like(p), []
    for g, rate in zip(gradients, rates, strict=True):
        a = g
        if name == "kernel":
            a = g + weight_decay * p
            p_norm, a_norm = np.sqrt((p**2).sum()), np.sqrt((a**2).sum())
            if p_norm > 0 and a_norm > 0:
                a = a * (eta * p_norm / a_norm)
        m = momentum * m + a
        p = p - rate * m
        path.append(p)
    return path


def variables():
    return [keras.Variable(value, dtype="float32", name=name) for name, value, _ in PARAMETERS]


@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
@pytest.mark.parametrize("scheduled", [False, True])
def test_three_updates_follow_the_formula(weight_decay, scheduled):
    rates = [0.5, 0.5, 0.25] if scheduled else [0.5] * 3
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25]) if scheduled else 0.5
    optimizer = bk.LARS(rate, weight_decay=weight_decay)
    updated = variables()
    expected = [reference(*parameter, rates, weight_decay) for parameter in PARAMETERS]
    for k in range(3):
        gradients = [keras.ops.cast(g[k], "float32") for _, _, g in PARAMETERS]
        optimizer.apply_gradients(zip(gradients, updated, strict=True))
        for variable, path in zip(updated, expected, strict=True):
            np.testing.assert_allclose(variable.numpy(), path[k], rtol=2e-6, atol=2e-6)


def test_momentum_and_eta_can_be_set():
    optimizer = bk.LARS(2.0, momentum=0.5, eta=0.02)
    updated = variables()
    for k in range(3):
        gradients = [keras.ops.cast(g[k], "float32") for _, _, g in PARAMETERS]
        optimizer.apply_gradients(zip(gradients, updated, strict=True))
    for variable, parameter in zip(updated, PARAMETERS, strict=True):
        expected = reference(*parameter, [2.0] * 3, 0.0, momentum=0.5, eta=0.02)[-1]
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_weight_decay_is_part_of_the_gradient_and_nothing_else():
    # Without a gradient g' = wd * p, whose length the ratio takes out: one step is p - lr * eta * p for any wd.
    kernel, bias = keras.Variable([[3.0], [4.0]], name="kernel"), keras.Variable([5.0], name="bias")
    optimizer = bk.LARS(100.0, weight_decay=0.3)
    optimizer.apply_gradients([(keras.ops.zeros((2, 1)), kernel), (keras.ops.zeros(1), bias)])
    np.testing.assert_allclose(kernel.numpy(), [[2.7], [3.6]], rtol=1e-6)
    np.testing.assert_array_equal(bias.numpy(), [5.0])


@pytest.mark.parametrize("names", [{"var_names": ["kernel"]}, {"var_list": []}])
def test_no_exceptions_from_weight_decay_are_taken(names):
    with pytest.raises(bk.InputError, match="it takes no exceptions"):
        bk.LARS(0.1, weight_decay=0.3).exclude_from_weight_decay(**names)


def test_parameters_of_keras_layers_are_told_apart():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    adapted = [v.name == "kernel" for v in model.trainable_variables]
    assert sum(adapted) == 1
    before = [v.numpy() for v in model.trainable_variables]
    gradients = [keras.ops.ones(v.shape) for v in model.trainable_variables]
    bk.LARS(1.0).apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    for is_kernel, variable, old in zip(adapted, model.trainable_variables, before, strict=True):
        step = 1e-3 * np.sqrt((old**2).sum()) / np.sqrt(old.size) if is_kernel else 1.0
        np.testing.assert_allclose(variable.numpy(), old - step, atol=1e-6)


def test_serialization_keeps_every_setting():
    optimizer = bk.LARS(bk.schedules.warmup_cosine(0.2, 512, 100, 10), momentum=0.8, weight_decay=1.5e-6, eta=2e-3)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, bk.LARS)
    assert copy.get_config() == optimizer.get_config()
    assert (copy.momentum, copy.weight_decay, copy.eta) == (0.8, 1.5e-6, 2e-3)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("momentum", 1.0), ("momentum", -0.1), ("weight_decay", -1e-6), ("weight_decay", None), ("eta", 0.0)],
)
def test_settings_out_of_range_are_refused(setting, value):
    with pytest.raises(ValueError, match=f"`{setting}`.*Received: {setting}={value}"):
        bk.LARS(0.1, **{setting: value})

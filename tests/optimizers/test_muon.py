import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.optimizers.muon import orthogonalized

RNG = np.random.default_rng(0)
# Name, value, three gradients. The filters are tall as a matrix, the first kernel is wide; the last two go by Adam.
PARAMETERS = [
    ("wide", RNG.normal(size=(3, 7)), RNG.normal(size=(3, 3, 7))),
    ("filters", RNG.normal(size=(3, 3, 2, 4)), 50 * RNG.normal(size=(3, 3, 3, 2, 4))),
    ("bias", RNG.normal(size=4), RNG.normal(size=(3, 4))),
    ("depthwise", RNG.normal(size=(3, 3, 4, 1)), RNG.normal(size=(3, 3, 3, 4, 1))),
]


def polynomial_of_singular_values(matrix):
    """What the iterations do to a matrix, in float64 and by its singular values instead of products of matrices."""
    u, values, v = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.sqrt((matrix**2).sum())
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return (u * values) @ v


def reference(name, p, gradients, rates, weight_decay, momentum=0.95):
    """The weights after each update, straight from the formulas."""
    m, v, path = np.zeros_like(p), np.zeros_like(p), []
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), 1):
        if name in ("wide", "filters"):
            m = momentum * m + g
            matrix = (g + momentum * m).reshape(-1, p.shape[-1])
            step = 0.2 * np.sqrt(max(matrix.shape)) * polynomial_of_singular_values(matrix).reshape(p.shape)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            step = (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.999**t))
        p = p - rate * (step + weight_decay * p)
        path.append(p)
    return path


@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
@pytest.mark.parametrize("scheduled", [False, True])
def test_three_updates_follow_the_formula(weight_decay, scheduled):
    rates = [0.5, 0.5, 0.25] if scheduled else [0.5] * 3
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25]) if scheduled else 0.5
    optimizer = bk.Muon(rate, weight_decay=weight_decay, precision="float32")
    updated = [keras.Variable(value, dtype="float32", name=name) for name, value, _ in PARAMETERS]
    expected = [reference(*parameter, rates, weight_decay) for parameter in PARAMETERS]
    for k in range(3):
        gradients = [keras.ops.cast(g[k], "float32") for _, _, g in PARAMETERS]
        optimizer.apply_gradients(zip(gradients, updated, strict=True))
        for variable, path in zip(updated, expected, strict=True):
            np.testing.assert_allclose(variable.numpy(), path[k], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(8, 32), (32, 8), (16, 16)])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), (None, 1e-4), ("bfloat16", 0.1)])
def test_a_matrix_becomes_nearly_orthogonal(shape, dtype, tolerance):
    matrix = RNG.normal(size=shape)
    given = keras.ops.cast(matrix, "float64" if dtype == "float64" else "float32")
    found = keras.ops.convert_to_numpy(orthogonalized(given, dtype))
    assert found.dtype == given.dtype
    np.testing.assert_allclose(found, polynomial_of_singular_values(matrix), atol=tolerance)
    if shape != (16, 16):  # which has singular values far below the largest
        values = np.linalg.svd(found, compute_uv=False)
        assert values.min() > 0.6
        assert values.max() < 1.3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_weights_without_a_gradient_stay(precision):
    kernel = keras.Variable(np.ones((4, 3)), name="kernel")
    bk.Muon(0.1, precision=precision).apply_gradients([(keras.ops.zeros((4, 3)), kernel)])
    np.testing.assert_array_equal(kernel.numpy(), np.ones((4, 3)))


def test_an_update_does_not_depend_on_the_size_of_the_gradient():
    first, second = (keras.Variable(np.ones((4, 3)), name="kernel") for _ in range(2))
    gradient = RNG.normal(size=(4, 3)).astype("float32")
    for variable, scale in ((first, 1e-4), (second, 1e4)):
        bk.Muon(0.1, precision="float32").apply_gradients([(scale * gradient, variable)])
    np.testing.assert_allclose(first.numpy(), second.numpy(), atol=1e-5)
    step = 1 - first.numpy()
    # As large as a step of Adam: 0.2 of the rate, but for singular values of 0.7 to 1.2.
    assert 0.1 * 0.2 * 0.6 < np.sqrt((step**2).mean()) < 0.1 * 0.2 * 1.3


def test_serialization_keeps_every_setting():
    schedule = bk.schedules.warmup_cosine(0.2, 256, 100, 10)
    optimizer = bk.Muon(schedule, 0.8, 1e-4, beta_1=0.8, beta_2=0.99, epsilon=1e-6, precision="float32")
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, bk.Muon)
    assert copy.get_config() == optimizer.get_config()
    kept = (copy.momentum, copy.weight_decay, copy.beta_1, copy.beta_2, copy.epsilon, copy.precision)
    assert kept == (0.8, 1e-4, 0.8, 0.99, 1e-6, "float32")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("momentum", 1.0), ("weight_decay", -1e-6), ("beta_1", 1.0), ("beta_2", -0.1), ("precision", "float16")],
)
def test_settings_out_of_range_are_refused(setting, value):
    with pytest.raises(ValueError, match=f"`{setting}`.*Received: {setting}={value!r}"):
        bk.Muon(0.1, **{setting: value})


@pytest.mark.parametrize("name", ["query", "key", "value", "attention_output"])
def test_attention_is_of_matrices_of_inputs_by_outputs(name):
    """The weights of heads move as those of the dense layer that they are."""
    layer = keras.layers.MultiHeadAttention(2, 3, use_bias=False, value_dim=3)
    layer.build((None, 4, 8), (None, 4, 8))
    (weight,) = (variable for variable in layer.trainable_variables if f"/{name}/" in f"/{variable.path}")
    matrix = (6, 8) if name == "attention_output" else (8, 6)
    value, gradient = (RNG.normal(size=matrix).astype(np.float32) for _ in range(2))
    dense = keras.Variable(value, name="kernel")
    weight.assign(value.reshape(weight.shape))
    for variable in (weight, dense):
        bk.Muon(0.1, precision="float32").apply_gradients([(gradient.reshape(variable.shape), variable)])
    np.testing.assert_allclose(weight.numpy().reshape(matrix), dense.numpy(), atol=1e-6)
    assert np.abs(dense.numpy() - value).max() > 0.01


def test_biases_and_tables_of_two_axes_are_no_matrices():
    keras.utils.set_random_seed(0)
    encoder = bk.token_transformer(50, 6, width=8, depth=1, heads=2)
    optimizer = bk.Muon()
    optimizer.build(encoder.trainable_variables)
    pairs = zip(encoder.trainable_variables, optimizer.velocities, strict=True)
    by_adam = {variable.name for variable, velocity in pairs if velocity is not None}
    assert by_adam == {"bias", "embeddings", "gamma", "beta"}
    assert {v.name for v in encoder.trainable_variables} - by_adam == {"kernel"}

"""Three training steps against the algorithm written out in float64, on plain TensorFlow operations."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk

STEPS, TAU_BASE, ETA, WEIGHT_DECAY = 3, 0.9, 0.5, 0.01
RATES = [0.1, 0.1, 0.05]
# Places of the trained parameters in a network's list of weights; the others are moving statistics.
ENCODER, HEAD = (0, 1, 2), (0, 1, 2, 3, 6)


def batch_norm(x, gamma, beta, moving_mean, moving_variance):
    axes = list(range(len(x.shape) - 1))
    mean = tf.reduce_mean(x, axes)
    variance = tf.reduce_mean(tf.square(x - mean), axes)
    y = gamma * (x - mean) / tf.sqrt(variance + 1e-5) + beta
    return y, 0.9 * moving_mean + 0.1 * mean, 0.9 * moving_variance + 0.1 * variance


def encoder(x, weights):
    """The output and the weights with moving statistics after this pass."""
    kernel, gamma, beta, *statistics = weights
    x = tf.nn.conv2d(x, kernel, 2, "SAME")
    x, *statistics = batch_norm(x, gamma, beta, *statistics)
    return tf.reduce_mean(tf.nn.relu(x), (1, 2)), [kernel, gamma, beta, *statistics]


def head(x, weights):
    kernel, bias, gamma, beta, *statistics, output_kernel = weights
    x, *statistics = batch_norm(x @ kernel + bias, gamma, beta, *statistics)
    return tf.nn.relu(x) @ output_kernel, [kernel, bias, gamma, beta, *statistics, output_kernel]


def forward(x, networks):
    after = []
    for function, weights in zip((encoder, head, head), networks, strict=False):
        x, weights = function(x, weights)
        after.append(weights)
    return x, after


def distance(a, b):
    a, b = (x / tf.sqrt(tf.reduce_sum(x * x, -1, keepdims=True)) for x in (a, b))
    return tf.reduce_sum(tf.square(a - b), -1)


def lars(p, g, m, rate):
    if len(p.shape) > 1:
        g = g + WEIGHT_DECAY * p
        g = g * ETA * tf.norm(p) / tf.norm(g)
    m = 0.9 * m + g
    return p - rate * m, m


def reference_step(online, target, momentum, view_1, view_2, rate, tau):
    """One step; `online`, `target` and `momentum` are changed in place. Returns the loss."""
    trained = [(n, i) for n, places in enumerate((ENCODER, HEAD, HEAD)) for i in places]
    target_1, target[:] = forward(view_1, target)
    target_2, target[:] = forward(view_2, target)
    parameters = [online[n][i] for n, i in trained]
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        prediction_1, after = forward(view_1, online)
        prediction_2, after = forward(view_2, after)
        loss = tf.reduce_mean(distance(prediction_1, target_2) + distance(prediction_2, target_1))
    gradients = tape.gradient(loss, parameters)
    online[:] = after
    for (n, i), p, g in zip(trained, parameters, gradients, strict=True):
        online[n][i], momentum[n, i] = lars(p, g, momentum.get((n, i), 0.0), rate)
        if n < len(target):
            target[n][i] = tau * target[n][i] + (1 - tau) * online[n][i]
    return float(loss)


def networks(*models):
    return [[tf.constant(w, tf.float64) for w in model.get_weights()] for model in models]


def test_three_steps_of_fit_follow_the_algorithm(tiny_byol):
    model = tiny_byol()
    rng = np.random.default_rng(1)
    # The target starts elsewhere, so that nothing is hidden by its being a copy.
    for part in (model.target_encoder, model.target_projector):
        part.set_weights([w * rng.uniform(0.7, 1.3, w.shape) + 0.1 for w in part.get_weights()])
    online = networks(model.encoder, model.projector, model.predictor)
    target = networks(model.target_encoder, model.target_projector)
    start = [w for part in target for w in part]

    batches = rng.random((STEPS, 2, 6, 8, 8, 3)).astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices(((batches[:, 0], batches[:, 1]),))
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], RATES[1:])
    model.compile(bk.LARS(schedule, weight_decay=WEIGHT_DECAY, eta=ETA))
    # An epoch a step, so that the history holds the loss of each.
    history = model.fit(
        dataset, epochs=STEPS, steps_per_epoch=1, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(TAU_BASE)]
    ).history

    momentum = {}
    for k, (view_1, view_2) in enumerate(batches.astype(np.float64)):
        tau = 1 - (1 - TAU_BASE) * (1 + math.cos(math.pi * k / STEPS)) / 2
        loss = reference_step(online, target, momentum, view_1, view_2, RATES[k], tau)
        assert history["tau"][k] == pytest.approx(tau, abs=1e-6)
        assert history["loss"][k] == pytest.approx(loss, abs=1e-5)

    actual = (model.encoder, model.projector, model.predictor, model.target_encoder, model.target_projector)
    for part, expected in zip(actual, online + target, strict=True):
        for weight, value in zip(part.get_weights(), expected, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-5, atol=1e-5)
    # So much has moved that the comparison means something.
    for before, after in zip(start, [w for part in target for w in part], strict=True):
        assert np.abs(after - before).max() > 1e-3

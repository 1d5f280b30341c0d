"""What the tests of the model share: its parts by name, and its numbers computed with NumPy."""

import numpy as np
import tensorflow as tf


def batches(views, size=4):
    return tf.data.Dataset.from_tensor_slices((views,)).batch(size)


def weights_of(model):
    return [np.array(w) for w in model.get_weights()]


def target_of(model):
    """Every parameter of the target that is averaged, and the online one it follows."""
    pairs = []
    for target, online in ((model.target_encoder, model.encoder), (model.target_projector, model.projector)):
        for follower, leader in zip(target.weights, online.weights, strict=True):
            if "moving" not in leader.name:
                pairs.append((follower, leader))
    return pairs


def move_target_away(model):
    """Puts the target 1 away from the online network; while that stands still, the distance counts the updates."""
    for target, online in target_of(model):
        target.assign(online + 1.0)


def distances(model):
    return np.concatenate([(target.numpy() - online.numpy()).ravel() for target, online in target_of(model)])


def assert_trains_alike(model, other, views):
    """One more step of each: the same weights, to the last bit."""
    for each in (model, other):
        each.train_step((views,))
    for actual, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def l2_normalize_rows(x):
    return x / np.sqrt(np.maximum((x**2).sum(1, keepdims=True), 1e-12))


def target_std_by_hand(projection):
    return l2_normalize_rows(projection).std(0).mean() * np.sqrt(projection.shape[1])


def rank_by_hand(vectors):
    values = np.linalg.svd(np.asarray(vectors, np.float64), compute_uv=False)
    shares = values / values.sum() + 1e-7
    return np.exp(-(shares * np.log(shares)).sum())


def loss_by_hand(prediction, target):
    return ((l2_normalize_rows(prediction) - l2_normalize_rows(target)) ** 2).sum(1)


def outputs(model, view, training):
    """Prediction and target projection of one view, float64, with the model's weights left as they were."""
    before = model.get_weights()
    prediction = target = view
    for part in (model.encoder, model.projector, model.predictor):
        prediction = part(prediction, training=training)
    for part in (model.target_encoder, model.target_projector):
        target = part(target, training=training)
    model.set_weights(before)
    return np.array(prediction, np.float64), np.array(target, np.float64)

"""Series of a sensor in place of images: an encoder of Conv1D, two views that suit series, a linear probe.

python examples/sensor_series.py     motions made by rule, in any pace, direction and strength; under a minute
"""

import keras
import numpy as np
import tensorflow as tf

import byol_keras as bk

LENGTH, WINDOW, CHANNELS = 160, 128, 3
# One turn of each motion, t from 0 to 2 pi.
MOTIONS = {
    "swing": np.sin,
    "step": lambda t: 2 * np.exp(6 * (np.cos(t) - 1)) - 0.6,
    "push": lambda t: np.tanh(6 * np.sin(t)),
    "pull": lambda t: t / np.pi - 1,
    "limp": lambda t: 0.8 * np.sin(t) + 0.8 * np.sin(2 * t),
    "tremble": lambda t: np.sin(t) * np.cos(4 * t),
}


def series(count, seed):
    """(N, 160, 3) float32 in m/s², and which motion each shows."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(MOTIONS)
    turns, phase = rng.uniform(3, 9, (count, 1)), rng.uniform(0, 1, (count, 1))
    t = 2 * np.pi * ((turns * np.arange(LENGTH) / LENGTH + phase) % 1)
    motion = np.stack([list(MOTIONS.values())[label](row) for label, row in zip(labels, t, strict=True)])
    values = 5 * motion[..., None] * rng.normal(0, 1, (count, 1, CHANNELS)) + rng.normal(0, 2, (count, 1, CHANNELS))
    return (values + rng.normal(0, 1, values.shape)).astype(np.float32), labels


class SeriesViews(keras.layers.Layer):
    """Series (B, T, C) -> two views (B, WINDOW, C): a window in time, each channel scaled, turned, shifted; noise."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.draw = keras.random.SeedGenerator(seed=0)

    def call(self, values):
        return self.view(values), self.view(values)

    def view(self, values):
        count, length, channels = tf.unstack(tf.shape(values))
        first = keras.random.randint((count, 1), 0, length - WINDOW + 1, seed=self.draw)
        window = tf.gather(values, first + tf.range(WINDOW), axis=1, batch_dims=1)
        scale = keras.random.uniform((count, 1, channels), 0.5, 2.0, seed=self.draw)
        turned = tf.sign(keras.random.uniform((count, 1, channels), -1.0, 1.0, seed=self.draw))
        shift = keras.random.normal((count, 1, channels), stddev=2.0, seed=self.draw)
        return turned * scale * window + shift + keras.random.normal(tf.shape(window), seed=self.draw)


keras.utils.set_random_seed(0)
inputs = x = keras.Input((None, CHANNELS))
for filters in (32, 64, 128):
    x = keras.layers.Conv1D(filters, 7, strides=2, padding="same", use_bias=False)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x))
model = bk.BYOL(encoder, bk.mlp(128, 512, 64), bk.mlp(64, 512, 64), augmenter=SeriesViews())

train, _ = series(2000, seed=0)
labeled, labels = series(60, seed=1)
test, test_labels = series(2000, seed=2)


def right():
    vectors, test_vectors = (model.predict(values, verbose=0) for values in (labeled, test))
    accuracy = bk.evaluation.linear_accuracy(vectors, labels, test_vectors, test_labels)
    return f"{100 * accuracy:.1f} % of {len(test)} right by a linear probe on {len(labeled)} labeled series"


print(f"untrained: {right()}")
model.compile(keras.optimizers.AdamW(1e-3))
model.fit(train, batch_size=100, epochs=12, callbacks=[bk.TargetEMA(0.97)], verbose=2)
print(f"trained:   {right()}")

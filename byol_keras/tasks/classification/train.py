"""Fine-tuning: the whole network trained with a linear layer on top, on labeled images."""

import sys

import keras
import numpy as np
import tensorflow as tf

from ...data.eval_pipeline import ordered_batches
from ...data.train_pipeline import labeled_batches, steps_per_epoch
from ...errors import InputError
from ...kernels import fast_layers
from ...precision import cast_model, copy_model, copy_weights, dtype_policy
from ...schedules import warmup_cosine


def fine_tune(encoder, source, classes, schedule, head=None, seed=0, precision="auto"):
    """Trains a copy of the encoder and a linear layer on top of it by SGD on the cross-entropy.

    After the semi-supervised training of Grill et al. 2020: Nesterov momentum 0.9, no weight decay, random crops and
    flips, batch norm in training mode, the last update counts.

    Args:
        encoder: functional keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D); it is not changed.
        source: labeled `ImageSource`.
        classes: int, K; the labels are below it.
        schedule: `Schedule`.
        head: `LinearHead` of K classes for the linear layer to begin with; by default it begins at 0.
        seed: int, of the order of the images, the crops and the flips.
        precision: of the training, see `precision.dtype_policy`; float16 is not for this.

    Returns:
        keras.Model, "classifier": (B, S, S, C) float32 in [0, 1] -> (B, K) float32, probabilities; it computes in
        float32. Its layers are the encoder and the linear layer "logits", then a softmax.

    Raises:
        InputError: when a batch is larger than the data, or for a precision that there is not.
    """
    steps_per_epoch(source, schedule.batch_size)
    policy = dtype_policy(precision)
    if policy == "mixed_float16":
        raise InputError("Fine-tuning computes in float32 or bfloat16. Received: precision=float16")
    size = encoder.input_shape[1]
    trained = cast_model(encoder, "bfloat16") if policy == "mixed_bfloat16" else copy_model(encoder)
    network, logits = _with_head(trained, classes)
    if head is not None:
        logits.set_weights([head.weights, head.bias])
    network.compile(
        keras.optimizers.SGD(_rate(schedule), momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    batches = labeled_batches(source, size, schedule.batch_size, schedule.updates, seed)
    with fast_layers(network):
        network.fit(batches, epochs=1, verbose=1 if sys.stdout.isatty() else 0, shuffle=False)
    plain = copy_model(encoder)
    copy_weights(trained, plain)
    tuned, plain_logits = _with_head(plain, classes)
    plain_logits.set_weights(logits.get_weights())
    return keras.Model(
        tuned.input, keras.layers.Softmax(dtype="float32", name="scores")(tuned.output), name="classifier"
    )


def predict(classifier, source, batch_size=256):
    """The probabilities of the classes, (N, K) float32, for N `ImageSource`, each cut to its central square."""
    with fast_layers(classifier):
        forward = tf.function(lambda images: classifier(images, training=False), autograph=False)
        forward = forward.get_concrete_function(tf.TensorSpec((None, *classifier.input_shape[1:])))
    batches = ordered_batches(source, classifier.input_shape[1], batch_size)
    return np.concatenate([forward(batch).numpy() for batch in batches])


def _rate(schedule):
    warm_up = schedule.updates // 10
    # The schedule's own scaling with the batch is switched off: the rate is that of these batches.
    return warmup_cosine(schedule.learning_rate, 256, schedule.updates, warm_up)


def _with_head(encoder, classes):
    """The encoder with a linear layer of zeros on top, and that layer."""
    inputs = keras.Input(encoder.input_shape[1:], name="images")
    layer = keras.layers.Dense(classes, kernel_initializer="zeros", dtype="float32", name="logits")
    return keras.Model(inputs, layer(encoder(inputs))), layer

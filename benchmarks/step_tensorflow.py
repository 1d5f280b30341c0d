"""Worker: a training step of this package, or of plain Keras.

Arguments: `ours` or `plain`, network, image size, batch size, dtype policy.
"""

import sys
import time

import keras
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.heads import mlp
from byol_keras.utils.startup import view_threads

from .workers import serve


def ours(encoder):
    """The step as `fit` runs it."""
    model = bk.BYOL(encoder)
    model.compile(keras.optimizers.SGD(0.03, momentum=0.9))
    model.optimizer.build(model.trainable_variables)
    return tf.function(lambda view_1, view_2: model.train_step(((view_1, view_2),)), autograph=False)


def plain(encoder):
    """The same step as a careful first version in Keras would have it."""
    projector, predictor = mlp(encoder.output_shape[-1]), mlp(256)
    target_encoder, target_projector = keras.models.clone_model(encoder), keras.models.clone_model(projector)
    for target, online in ((target_encoder, encoder), (target_projector, projector)):
        target.set_weights(online.get_weights())
    online = [*encoder.trainable_variables, *projector.trainable_variables]
    variables = [*online, *predictor.trainable_variables]
    targets = [*target_encoder.trainable_variables, *target_projector.trainable_variables]
    optimizer = keras.optimizers.SGD(0.03, momentum=0.9)
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step(view_1, view_2):
        target_1, target_2 = (
            target_projector(target_encoder(v, training=True), training=True) for v in (view_1, view_2)
        )
        with tf.GradientTape() as tape:
            first, second = (
                predictor(projector(encoder(v, training=True), training=True), training=True) for v in (view_1, view_2)
            )
            loss = tf.reduce_mean(
                bk.losses.regression_loss(first, target_2) + bk.losses.regression_loss(second, target_1)
            )
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        for target, variable in zip(targets, online, strict=True):
            target.assign(0.99 * target + 0.01 * variable)
        return loss

    return step


def forward_gflop(encoder):
    """Multiplications and additions of convolutions and dense layers for one image through encoder and heads."""
    total = 0
    for model in (encoder, mlp(encoder.output_shape[-1]), mlp(256)):
        for layer in model.layers:
            if isinstance(layer, keras.layers.Conv2D):
                _, height, width, filters = layer.output.shape
                total += (
                    2 * height * width * filters * layer.kernel.shape[0] * layer.kernel.shape[1] * layer.input.shape[-1]
                )
            elif isinstance(layer, keras.layers.Dense):
                total += 2 * layer.kernel.shape[0] * layer.kernel.shape[1]
    return total / 1e9


def matmul_gflops(dtype, size=4096):
    """GFLOP/s of one large matrix product."""
    a = tf.cast(tf.random.normal((size, size)), dtype)
    product = tf.function(lambda a: tf.matmul(a, a))
    product(a)
    start = time.perf_counter()
    for _ in range(3):
        product(a)
    return 3 * 2 * size**3 / (time.perf_counter() - start) / 1e9


def main(kind, network, image_size, batch_size, policy):
    if kind == "ours":
        view_threads()  # as `byol-keras pretrain` does
    keras.config.set_dtype_policy(policy)
    encoder = getattr(bk, network)(input_shape=(int(image_size), int(image_size), 3))
    step = {"ours": ours, "plain": plain}[kind](encoder)
    views = [tf.random.uniform((int(batch_size), int(image_size), int(image_size), 3)) for _ in range(2)]
    for _ in range(2):
        step(*views)

    def measure(floor=None, steps=2):
        if floor:
            return {"gflops": matmul_gflops(floor)}
        start = time.perf_counter()
        for _ in range(steps):
            step(*views)
        return {"seconds": (time.perf_counter() - start) / steps}

    serve(measure, gflop_an_image=8 * forward_gflop(encoder))


if __name__ == "__main__":
    main(*sys.argv[1:])

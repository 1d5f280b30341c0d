"""Worker: two views of images in tf.data, by this package, keras-cv or Keras' own layers.

Arguments: `ours`, `keras-cv` or `keras`, `memory` or `files`, folder of images of one size, view size, batch size,
number of cores.
"""

import os
import sys
import time

from byol_keras.utils.startup import view_threads

from .workers import serve


def ours(data, folder, image_size, batch_size):
    import byol_keras as bk
    from byol_keras.data.folder import from_folder
    from byol_keras.data.train_pipeline import two_view_batches

    source = from_folder(folder) if data == "memory" else from_folder(folder, memory_budget=0)
    batches = two_view_batches(source, bk.TwoViews(image_size), batch_size, 10**9, seed=0)
    return batches.map(lambda views: views)


def layer_views(library, image_size):
    """For each view a function: (B, H, W, 3) float32 in [0, 1] -> (B, S, S, 3), as near to BYOL's as the layers go."""
    import keras
    import tensorflow as tf

    taps = 2 * int(image_size / 20) + 1
    views = []
    for blur, solarize in ((1.0, 0.0), (0.1, 0.2)):
        if library == "keras-cv":
            from keras_cv import layers

            jitter = layers.RandomColorJitter((0, 1), 0.4, 0.4, (0.4, 0.6), 0.1)
            steps = [
                layers.RandomCropAndResize((image_size, image_size), (0.08, 1.0), (3 / 4, 4 / 3)),
                layers.RandomFlip("horizontal"),
                layers.RandomApply(jitter, 0.8),
                layers.RandomApply(layers.Grayscale(output_channels=3), 0.2),
                layers.RandomApply(layers.RandomGaussianBlur(taps, 1.0), blur),
            ]
            if solarize:
                steps.append(layers.RandomApply(layers.Solarization((0, 1), threshold_factor=0.5), solarize))
        else:
            from keras import layers

            # Keras has no crop with an area and an aspect ratio of its own: zoom and translation stand in.
            steps = [
                layers.RandomZoom((-0.7, 0.0), interpolation="bilinear"),
                layers.RandomTranslation(0.2, 0.2),
                layers.Resizing(image_size, image_size, "bicubic"),
                layers.RandomFlip("horizontal"),
                layers.RandomColorJitter((0, 1), 0.4, 0.4, 0.2, 0.1),
                layers.RandomGrayscale(0.2),
                layers.RandomGaussianBlur(blur, taps, 1.0, (0, 1)),
            ]
            if solarize:
                steps.append(layers.Solarization(value_range=(0, 1)))

        def view(images, steps=tuple(steps)):
            for step in steps:
                images = step(images, training=True)
            return tf.cast(images, keras.backend.floatx())

        views.append(view)
    return views


def by_layers(library, data, folder, image_size, batch_size):
    import tensorflow as tf

    from byol_keras.data.folder import from_folder

    first, second = layer_views(library, image_size)
    source = from_folder(folder)
    if data == "memory":
        images = tf.data.Dataset.from_tensor_slices(source.images).shuffle(1000).repeat()
    else:
        paths = tf.data.Dataset.from_tensor_slices(list(source.paths)).shuffle(1000).repeat()

        def read(path):
            return tf.ensure_shape(tf.io.decode_jpeg(tf.io.read_file(path), 3), source.images.shape[1:])

        images = paths.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    batches = images.batch(batch_size, drop_remainder=True).map(lambda x: tf.cast(x, tf.float32) / 255.0)
    return batches.map(lambda x: (first(x), second(x)), num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def main(library, source, folder, image_size, batch_size, cores):
    # Before TensorFlow counts them.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    # As `byol-keras pretrain` does; the others are quicker with it as well.
    view_threads()
    image_size, batch_size = int(image_size), int(batch_size)
    make = ours if library == "ours" else lambda *arguments: by_layers(library, *arguments)
    batches = iter(make(source, folder, image_size, batch_size))
    for _ in range(4):
        next(batches)

    def measure(seconds=3.0):
        # What was made ahead of time while others ran.
        for _ in range(4):
            next(batches)
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            next(batches)
            count += batch_size
        return {"images_s": count / (time.perf_counter() - start)}

    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])

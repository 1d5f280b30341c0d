"""The filter gradient of bfloat16 convolutions: oneDNN's through TensorFlow, and as a sum of matrix products.

    python -m benchmarks.kernels

The shapes are those of ResNet-18 at 32 px, batch 128, and of ResNet-50 at 128 px, batch 16. A minute on two cores. What
`kernels/convolution.py` swaps follows from this table.
"""

import statistics
import time

import tensorflow as tf

from byol_keras.kernels.convolution import filter_gradient

from .tables import table, write

# Batch, height and width, channels, filters, kernel, stride.
SHAPES = [
    *((128, 32, 64, 64, 3, 1), (128, 16, 128, 128, 3, 1), (128, 8, 256, 256, 3, 1), (128, 4, 512, 512, 3, 1)),
    *((128, 32, 64, 128, 3, 2), (128, 16, 128, 256, 3, 2), (128, 8, 256, 512, 3, 2), (128, 8, 256, 512, 1, 2)),
    *((16, 32, 64, 256, 1, 1), (16, 16, 512, 128, 1, 1), (16, 8, 1024, 256, 1, 1), (16, 4, 2048, 512, 1, 1)),
    *((64, 14, 256, 256, 3, 1), (64, 10, 128, 128, 3, 1), (64, 7, 512, 512, 3, 1)),
]


def milliseconds(function, *arguments):
    function = tf.function(function, autograph=False)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        function(*arguments)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[2:])


def measure(batch, size, channels, filters, kernel, stride):
    x = tf.cast(tf.random.normal((batch, size, size, channels)), tf.bfloat16)
    dy = tf.cast(tf.random.normal((batch, -(-size // stride), -(-size // stride), filters)), tf.bfloat16)

    def onednn(x, dy):
        return tf.raw_ops.Conv2DBackpropFilter(
            input=x,
            filter_sizes=[kernel, kernel, channels, filters],
            out_backprop=dy,
            strides=[1, stride, stride, 1],
            padding="SAME",
        )

    def products(x, dy):
        return filter_gradient(x, dy, (kernel, kernel), (stride, stride), "SAME")

    return milliseconds(onednn, x, dy), milliseconds(products, x, dy)


def main():
    rows = []
    for shape in SHAPES:
        theirs, ours = measure(*shape)
        rows.append(["{} x {} px, {} to {}, {} x {}, stride {}".format(*shape[:4], shape[4], *shape[4:]), theirs, ours])
    table("Filter gradient in bfloat16, ms", ["convolution", "oneDNN", "matrix products"], rows)
    write("kernels", {"ms": {row[0]: row[1:] for row in rows}})


if __name__ == "__main__":
    main()

"""What the input costs: `fit` on images against the training step alone on one batch held in memory.

    python -m benchmarks.fit [--memory FOLDER] --files FOLDER [SHARDS ...] [--backbone resnet18]

At 32 px, batch 128, on images held decoded in memory (CIFAR-10, say), and at 96 px, batch 64, on JPEG files decoded
anew each time (Imagenette, say), from a folder and from what else holds them. With ResNet-18 three minutes on two cores
with AMX for each of them; where a step takes many seconds, a smaller backbone asks more of the input.
"""

import argparse
import time

import keras
import tensorflow as tf

import byol_keras as bk
from byol_keras.data import open_source
from byol_keras.data.folder import from_folder
from byol_keras.data.train_pipeline import two_view_batches
from byol_keras.models.resnet import build_resnet
from byol_keras.precision import dtype_policy
from byol_keras.utils.startup import view_threads

from .tables import median, table, write


class Clock(keras.callbacks.Callback):
    """Notes when each batch ended."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())


def run(source, backbone, image_size, batch_size, rounds, steps):
    model = bk.BYOL(build_resnet(backbone, input_shape=(image_size, image_size, 3)))
    model.compile(keras.optimizers.SGD(0.03, momentum=0.9))
    batches = two_view_batches(source, bk.TwoViews(image_size), batch_size, 10**6, seed=0)
    held = tf.data.Dataset.from_tensors(next(iter(batches))).repeat().prefetch(2)
    alone, whole, input_only = [], [], []
    for round_number in range(rounds + 1):
        for data, seconds in ((held, alone), (batches, whole)):
            clock = Clock()
            model.fit(data, steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0, callbacks=[clock])
            # The first batches of a fit wait for the pipeline to fill.
            seconds.append({"seconds": (clock.ends[-1] - clock.ends[1]) / (steps - 2)})
        iterator = iter(batches)
        for _ in range(4):
            next(iterator)
        start = time.perf_counter()
        for _ in range(steps):
            next(iterator)
        input_only.append({"seconds": (time.perf_counter() - start) / steps})
        if round_number == 0:  # compiling
            alone.clear(), whole.clear(), input_only.clear()
    return [median(values, "seconds") for values in (alone, whole, input_only)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", help="folder of images of one size, held in memory")
    parser.add_argument("--files", nargs="+", required=True, help="of JPEG images, decoded as they are needed")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    view_threads()  # as `byol-keras pretrain` does
    keras.config.set_dtype_policy(dtype_policy("auto"))
    rows, results = [], {}
    cases = []
    if arguments.memory:
        cases.append(("memory, 32 px, batch 128", from_folder(arguments.memory), 32, 128, 12))
    for data in arguments.files:
        cases.append((f"{data}, 96 px, batch 64", open_source(data, memory_budget=0), 96, 64, 8))
    for name, images, image_size, batch_size, steps in cases:
        alone, whole, input_only = run(images, arguments.backbone, image_size, batch_size, arguments.rounds, steps)
        rows.append([name, alone, whole, alone / whole, input_only, batch_size / whole])
        results[name] = {"step_alone_s": alone, "fit_s": whole, "input_alone_s": input_only}
    header = [arguments.backbone, "step alone, s", "fit, s / step", "step / fit", "input alone, s", "images / s"]
    table(f"fit against its step, {keras.config.dtype_policy().name}", header, rows)
    write("fit", results)


if __name__ == "__main__":
    main()

"""Worker: a small training by `fit` with one batch whose pixels are NaN.

    python -m benchmarks.faults_keras WHERE OUT EPOCHS POISONED

WHERE is `images`, in the batch that `fit` is given, or `views`, behind the check of what it is given, as if the
augmentation had made them; POISONED the number of the step. OUT gets checkpoints; at the end OUT/finite.json gets how
many variables of the model and of the last checkpoint are not finite.

A command cannot be given such pixels: files hold whole numbers.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import byol_keras as bk

BATCH, STEPS = 16, 12
CHECKPOINT_STEPS = 3


@keras.saving.register_keras_serializable("byol_keras.benchmarks")
class PoisonedViews(bk.TwoViews):
    """Two views, NaN in the batch of a chosen number."""

    def __init__(self, image_size=32, poisoned=-1, **kwargs):
        super().__init__(image_size, **kwargs)
        self.poisoned = poisoned
        self.seen = self.add_weight((), "zeros", "int32", trainable=False, name="seen")

    def call(self, images, seed=None):
        noise = tf.where(self.seen == self.poisoned, np.float32(np.nan), 0.0)
        self.seen.assign_add(1)
        return tuple(view + noise for view in super().call(images))

    def get_config(self):
        return {**super().get_config(), "poisoned": self.poisoned}


def main(where, out, epochs, poisoned):
    out, epochs, poisoned = Path(out), int(epochs), int(poisoned)
    keras.utils.set_random_seed(0)
    drawn, _, _ = bk.data.synthetic_images(BATCH * STEPS, seed=0)
    images = np.tile(drawn.astype(np.float32) / 255, (epochs, 1, 1, 1))
    if where == "images":
        images[poisoned * BATCH : (poisoned + 1) * BATCH] = np.nan
    model = bk.BYOL(
        bk.resnet8(input_shape=images.shape[1:]),
        projector=bk.mlp(128, hidden_dim=64, output_dim=16),
        predictor=bk.mlp(16, hidden_dim=64, output_dim=16),
        augmenter=PoisonedViews(images.shape[1], poisoned if where == "views" else -1),
    )
    model.compile(keras.optimizers.AdamW(1e-3))
    checkpoint = bk.callbacks.Checkpoint(out / "checkpoints", steps=CHECKPOINT_STEPS)
    code = 0
    try:
        callbacks = [bk.callbacks.FiniteCheck(), checkpoint]
        model.fit(images, batch_size=BATCH, shuffle=False, verbose=2, callbacks=callbacks)
    except bk.InputError as error:
        print(error, flush=True)
        code = 2  # as the command line leaves
    saved = bk.callbacks.load_checkpoint(out / "checkpoints")
    found = {
        "the weights": not_finite(model),
        "the last checkpoint": not_finite(saved),
        "skipped": int(model.skipped),
        "steps": int(model.steps),
        "saved": int(saved.steps),
    }
    (out / "finite.json").write_text(json.dumps(found))
    sys.exit(code)


def not_finite(model):
    """[variables with a NaN or an infinity, variables]."""
    return [sum(not np.isfinite(v.numpy()).all() for v in model.weights), len(model.weights)]


if __name__ == "__main__":
    main(*sys.argv[1:])

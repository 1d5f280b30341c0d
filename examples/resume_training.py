"""Training that may be stopped at any step and goes on as if it never had: run it, press Ctrl-C, run it again.

python examples/resume_training.py
"""

import byol_keras as bk

EPOCHS, BATCH_SIZE, CHECKPOINTS = 3, 64, "resumable/checkpoints"

source = bk.data.from_arrays(bk.data.synthetic_images(512, seed=0)[0])
views = bk.TwoViews(32)
steps = len(source) // BATCH_SIZE


def build():
    encoder = bk.resnet8(input_shape=(32, 32, 1))
    model = bk.BYOL(encoder, bk.mlp(encoder.output_shape[-1], 512), bk.mlp(256, 512))
    model.compile(bk.LARS(bk.schedules.warmup_cosine(0.5, BATCH_SIZE, EPOCHS * steps, warmup_steps=steps)))
    return model


def batches_from(step):
    """Which images and which views they get follows from the seed and the step."""
    return bk.data.two_view_batches(source, views, BATCH_SIZE, EPOCHS * steps, seed=0, first_step=step)


model = bk.callbacks.load_checkpoint(CHECKPOINTS) or build()
print(f"From step {int(model.steps)} of {EPOCHS * steps}")
callbacks = [bk.TargetEMA(0.97), bk.callbacks.FiniteCheck(), bk.callbacks.Checkpoint(CHECKPOINTS, minutes=0.1)]
model.resume_fit(batches_from, EPOCHS, steps, callbacks, verbose=2)
print(f"At step {int(model.steps)}, and saved: a second run of this script has nothing left to do")

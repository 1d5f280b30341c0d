"""Training a detector."""

import sys
import warnings

import keras

from ...kernels import fast_layers
from ...models.keras_cv_backbone import normalized
from ...precision import dtype_policy, policy_scope
from ...schedules import warmup_cosine
from .detector import Detector
from .model import retinanet
from .pipeline import training_batches

WEIGHT_DECAY = 1e-4
# The first steps: gradients of random heads are large.
LARGEST_GRADIENT = 10.0
WARM_UP = 0.1  # of all steps


def fine_tuned_detector(encoder, boxed, letterbox, smallest, schedule, seed=0):
    """Trains RetinaNet on the backbone of an encoder; all of it, batch norm by the statistics of the batches.

    AdamW with a warm-up over a tenth of the steps and a cosine to 0; the focal loss and the smooth L1 of the paper.

    Args:
        encoder: see `keras_cv_backbone`; it is not changed.
        boxed: `DetectionDataset` to train on.
        letterbox: (height, width), see `canvas.letterbox_size`.
        smallest: float, see `network.smallest_anchor`.
        schedule: `Schedule`.
        seed: int, of the fresh weights, the order of the images and their mirroring.

    Returns:
        `Detector`, in float32.

    Raises:
        InputError: for an encoder that cannot be a backbone, or a batch larger than the data.
    """
    classes = len(boxed.class_names)
    epoch_steps = max(1, len(boxed) // schedule.batch_size)
    steps = schedule.epochs * epoch_steps
    batches = training_batches(boxed, letterbox, lambda x: normalized(x, encoder), schedule.batch_size, steps, seed)
    keras.utils.set_random_seed(seed)
    with policy_scope(dtype_policy(schedule.precision)):
        network = retinanet(encoder, classes, smallest)
    # Nothing is scaled by the batch here: Adam's step does not grow with it.
    rate = warmup_cosine(schedule.learning_rate, 256, steps, round(WARM_UP * steps))
    network.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY, global_clipnorm=LARGEST_GRADIENT),
        classification_loss="focal",
        box_loss="smoothl1",
        jit_compile=False,
    )
    with fast_layers(network), warnings.catch_warnings():
        # The input of keras-cv's model has a name, and its training step passes the images without it.
        warnings.filterwarnings("ignore", message="The structure of `inputs`", category=UserWarning)
        network.fit(
            batches,
            epochs=schedule.epochs,
            steps_per_epoch=epoch_steps,
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    with policy_scope("float32"):
        trained = retinanet(encoder, classes, smallest)
    trained.set_weights(network.get_weights())
    return Detector(trained, encoder, letterbox, boxed.class_names, smallest)

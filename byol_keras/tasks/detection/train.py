"""Training a detector."""

import sys
import warnings
from dataclasses import dataclass

import keras

from ...data.lost_files import naming_lost_files
from ...errors import InputError
from ...kernels import fast_layers
from ...models.finite import require_finite
from ...models.keras_cv_backbone import normalized
from ...precision import copy_weights, dtype_policy, policy_scope
from ...schedules import warmup_cosine
from .dataset import DetectionDataset
from .detector import Detector
from .model import build_retinanet
from .pipeline import training_batches

WEIGHT_DECAY = 1e-4
# The first steps: gradients of random heads are large.
LARGEST_GRADIENT = 10.0
WARM_UP = 0.1  # of all steps


@dataclass(frozen=True)
class DetectionConfig:
    """How long and how fast a detector is trained; the same for every detector of a comparison.

    Attributes:
        epochs: int, passes over the images.
        batch_size: int, images in one update.
        learning_rate: float, of AdamW at its peak.
        precision: "auto", "float32" or "bfloat16", see `precision.dtype_policy`.

    Raises:
        InputError: for a value that cannot be.

    Example:
        config = bk.tasks.DetectionConfig(epochs=12)
    """

    epochs: int = 12
    batch_size: int = 8
    learning_rate: float = 1e-3
    precision: str = "auto"

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a whole number from 1. Received: {name}={value!r}")
        if not 0 < self.learning_rate < 1:
            raise InputError(f"learning_rate must be above 0 and below 1. Received: learning_rate={self.learning_rate}")
        if dtype_policy(self.precision) == "mixed_float16":
            raise InputError(
                "Detectors are not trained in float16: choose auto, float32 or bfloat16. "
                f"Received: precision={self.precision}"
            )


def finetune_detector(
    encoder: keras.Model,
    dataset: DetectionDataset,
    letterbox: tuple[int, int],
    smallest: float,
    config: DetectionConfig,
    seed: int = 0,
) -> Detector:
    """Trains RetinaNet on the backbone of an encoder; all of it, batch norm by the statistics of the batches.

    AdamW with a warm-up over a tenth of the steps and a cosine to 0; the focal loss and the smooth L1 of the paper.

    Args:
        encoder: see `keras_cv_backbone`; it is not changed.
        dataset: `DetectionDataset` to train on.
        letterbox: (height, width), see `letterbox_size`.
        smallest: float, see `smallest_anchor`.
        config: `DetectionConfig`.
        seed: int, of the fresh weights, the order of the images and their mirroring.

    Returns:
        `Detector`, in float32.

    Raises:
        InputError: for an encoder that cannot be a backbone, a batch larger than the data, or where training has
            diverged.

    Example:
        letterbox = bk.tasks.letterbox_size(dataset.source.sizes, image_size=256)
        smallest = bk.tasks.smallest_anchor(dataset, letterbox)
        detector = bk.tasks.finetune_detector(encoder, dataset, letterbox, smallest, bk.tasks.DetectionConfig())
    """
    classes = len(dataset.class_names)
    epoch_steps = max(1, len(dataset) // config.batch_size)
    steps = config.epochs * epoch_steps
    batches = training_batches(dataset, letterbox, lambda x: normalized(x, encoder), config.batch_size, steps, seed)
    keras.utils.set_random_seed(seed)
    with policy_scope(dtype_policy(config.precision)):
        network = build_retinanet(encoder, classes, smallest)
    # Nothing is scaled by the batch here: Adam's step does not grow with it.
    rate = warmup_cosine(config.learning_rate, 256, steps, round(WARM_UP * steps))
    network.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY, global_clipnorm=LARGEST_GRADIENT),
        classification_loss="focal",
        box_loss="smoothl1",
        jit_compile=False,
    )
    with naming_lost_files(dataset.source), fast_layers(network), warnings.catch_warnings():
        # The input of keras-cv's model has a name, and its training step passes the images without it.
        warnings.filterwarnings("ignore", message="The structure of `inputs`", category=UserWarning)
        network.fit(
            batches,
            epochs=config.epochs,
            steps_per_epoch=epoch_steps,
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    require_finite(network)
    with policy_scope("float32"):
        trained = build_retinanet(encoder, classes, smallest)
    copy_weights(network, trained)
    return Detector(trained, encoder, letterbox, dataset.class_names, smallest)

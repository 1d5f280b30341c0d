"""How long and how fast a network is trained on labels."""

import dataclasses

from ...errors import InputError


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The updates of one training.

    Attributes:
        learning_rate: float, the peak: a tenth of the updates warm up to it, then a cosine to 0.
        updates: int.
        batch_size: int, images in an update.
    """

    learning_rate: float
    updates: int
    batch_size: int


# Chosen on training images that were held out, none of a test split; one draw each, 1,500 judged, right in %.
# CIFAR-10, 300 updates on 500 images, with the rates 0.01, 0.03, 0.1, 0.3: pretrained for 10 epochs 44.7, 44.7, 47.8,
# 45.1 (linear probe 43.1), from scratch with the last three 40.5, 40.8, 40.7. Imagenette, 97 images, pretrained: 40
# updates with 0.1 35.0, 200 with 0.03 42.2, 300 with 0.02 40.6, 300 with 0.0038 44.5 (linear probe 43.9); from scratch
# 300 with 0.1 32.0. So few images tell the network little that pretraining has not, and larger steps fit it to them
# alone: the rate falls with the square of their number. From scratch there is nothing to lose.
LEARNING_RATE = 0.1
IMAGES_FOR_IT = 500
BATCH_SIZE = 64
# Few images make short epochs, and what training needs is updates.
EPOCHS, FEWEST_UPDATES = 12, 300


def schedule_for(images, pretrained, epochs=None, learning_rate=None, batch_size=None):
    """The schedule for a number of images.

    Args:
        images: int, N.
        pretrained: bool, whether the network was: then the learning rate falls with the square of N below
            IMAGES_FOR_IT.
        epochs: int, passes over the images; by default EPOCHS, and at least FEWEST_UPDATES updates.
        learning_rate: float, at its peak; by default LEARNING_RATE.
        batch_size: int; by default BATCH_SIZE, or N where that is less.

    Returns:
        `Schedule`.

    Raises:
        InputError: for a number out of range, or a batch larger than the data.
    """
    if epochs is not None and epochs < 1:
        raise InputError(f"--epochs must be a whole number from 1. Received: epochs={epochs}")
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise InputError(f"--learning-rate must be above 0. Received: learning_rate={learning_rate}")
    if batch_size is not None and not 2 <= batch_size <= images:
        raise InputError(
            f"--batch-size must be from 2 to the number of training images, here {images:,}. "
            f"Received: batch_size={batch_size}"
        )
    batch_size = batch_size or min(BATCH_SIZE, images)
    steps = images // batch_size
    updates = max(EPOCHS * steps, FEWEST_UPDATES) if epochs is None else epochs * steps
    if learning_rate is None:
        learning_rate = LEARNING_RATE * (min(1.0, images / IMAGES_FOR_IT) ** 2 if pretrained else 1.0)
    return Schedule(learning_rate, updates, batch_size)

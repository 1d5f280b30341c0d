"""Fine-tuning: the whole network trained with a linear layer on top, on labeled images."""

import dataclasses
import sys
from typing import Self

import keras

from ...data.batch_order import steps_per_epoch
from ...data.images import ImageSource
from ...data.lost_files import naming_lost_files
from ...data.spectrogram_batches import labeled_inputs
from ...errors import InputError
from ...evaluation.embed import as_taken
from ...evaluation.linear_head import LinearHead
from ...kernels import fast_layers
from ...models.finite import variables_not_finite
from ...precision import cast_model, copy_model, copy_weights, dtype_policy
from ...schedules import warmup_cosine
from .model import build_classifier

# Chosen on training images that were held out, none of a test split; one subset of labels each, 1,500 evaluated, right
# in %. CIFAR-10, 300 updates on 500 images, with the rates 0.01, 0.03, 0.1, 0.3: pretrained for 10 epochs 44.7, 44.7,
# 47.8, 45.1 (linear probe 43.1), from scratch with the last three 40.5, 40.8, 40.7. Imagenette, 97 images, pretrained:
# 40 updates with 0.1 35.0, 200 with 0.03 42.2, 300 with 0.02 40.6, 300 with 0.0038 44.5 (linear probe 43.9); from
# scratch 300 with 0.1 32.0. So few images tell the network little that pretraining has not, and larger steps fit it to
# them alone: the rate falls with the square of their number. From scratch there is nothing to lose.
LEARNING_RATE = 0.1
IMAGES_FOR_IT = 500
BATCH_SIZE = 64
# Few images make short epochs, and what training needs is updates.
EPOCHS, FEWEST_UPDATES = 12, 300


@dataclasses.dataclass(frozen=True)
class FinetuneConfig:
    """How long and how fast a classifier is trained.

    Attributes:
        learning_rate: float, the peak: a tenth of the updates warm up to it, then a cosine to 0.
        updates: int.
        batch_size: int, images in an update.

    Example:
        config = bk.tasks.FinetuneConfig(learning_rate=0.1, updates=300, batch_size=64)
    """

    learning_rate: float
    updates: int
    batch_size: int

    @classmethod
    def for_images(
        cls,
        images: int,
        pretrained: bool,
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
    ) -> Self:
        """The config that serves a number of images.

        Args:
            images: int, N.
            pretrained: bool, whether the network was: then the learning rate falls with the square of N below
                IMAGES_FOR_IT.
            epochs: int, passes over the images; by default EPOCHS, and at least FEWEST_UPDATES updates.
            learning_rate: float, at its peak; by default LEARNING_RATE.
            batch_size: int; by default BATCH_SIZE, or N where that is less.

        Returns:
            `FinetuneConfig`.

        Raises:
            InputError: for a number out of range, or a batch larger than the data.
        """
        if epochs is not None and epochs < 1:
            raise InputError(f"epochs must be a whole number from 1. Received: epochs={epochs}")
        if learning_rate is not None and not 0 < learning_rate < float("inf"):
            raise InputError(f"learning_rate must be above 0. Received: learning_rate={learning_rate}")
        if batch_size is not None and not 2 <= batch_size <= images:
            raise InputError(
                f"batch_size must be from 2 to the number of training images, here {images:,}. "
                f"Received: batch_size={batch_size}"
            )
        batch_size = batch_size or min(BATCH_SIZE, images)
        steps = images // batch_size
        updates = max(EPOCHS * steps, FEWEST_UPDATES) if epochs is None else epochs * steps
        if learning_rate is None:
            learning_rate = LEARNING_RATE * (min(1.0, images / IMAGES_FOR_IT) ** 2 if pretrained else 1.0)
        return cls(learning_rate, updates, batch_size)


def finetune_classifier(
    encoder: keras.Model,
    source: ImageSource,
    num_classes: int,
    config: FinetuneConfig,
    head: LinearHead | None = None,
    seed: int = 0,
    precision: str = "auto",
) -> keras.Model:
    """Trains a copy of the encoder and a linear layer on top of it by SGD on the cross-entropy.

    After the semi-supervised training of Grill et al. 2020: Nesterov momentum 0.9, no weight decay, random crops and
    flips (of recordings, random parts), batch norm in training mode, the last update counts.

    Args:
        encoder: functional keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D); it is not changed.
        source: labeled `ImageSource`.
        num_classes: int, K; the labels are below it.
        config: `FinetuneConfig`.
        head: `LinearHead` of K classes for the linear layer to begin with; by default it begins at 0.
        seed: int, of the order of the images, the crops and the flips.
        precision: of the training, see `precision.dtype_policy`; float16 is not for this.

    Returns:
        keras.Model, see `build_classifier`; it computes in float32.

    Raises:
        InputError: when a batch is larger than the data, for a precision that there is not, or where training diverges.

    Example:
        config = bk.tasks.FinetuneConfig.for_images(len(source), pretrained=True)
        classifier = bk.tasks.finetune_classifier(encoder, source, len(source.class_names), config)
    """
    steps_per_epoch(source, config.batch_size)
    policy = dtype_policy(precision)
    if policy == "mixed_float16":
        raise InputError("Fine-tuning computes in float32 or bfloat16. Received: precision=float16")
    trained = cast_model(encoder, "bfloat16") if policy == "mixed_bfloat16" else copy_model(encoder)
    classifier = build_classifier(trained, num_classes)
    linear = classifier.get_layer("logits")
    if head is not None:
        linear.set_weights([head.weights, head.bias])
    network = keras.Model(classifier.input, linear.output)
    network.compile(
        keras.optimizers.SGD(_rate(config), momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    source = as_taken(encoder, source)
    batches = labeled_inputs(source, encoder.input_shape[1:3], config.batch_size, config.updates, seed)
    with naming_lost_files(source), fast_layers(network):
        network.fit(batches, epochs=1, verbose=1 if sys.stdout.isatty() else 0, shuffle=False)
    tuned = copy_model(encoder)
    copy_weights(trained, tuned)
    result = build_classifier(tuned, num_classes)
    result.get_layer("logits").set_weights(linear.get_weights())
    if variables_not_finite(result):
        raise InputError(
            "Fine-tuning has diverged, its weights are no numbers any more: choose a lower learning rate. "
            f"Received: learning_rate={config.learning_rate:g}"
        )
    return result


def _rate(config):
    # The schedule's own scaling with the batch is switched off: the rate is that of these batches.
    return warmup_cosine(config.learning_rate, 256, config.updates, config.updates // 10)

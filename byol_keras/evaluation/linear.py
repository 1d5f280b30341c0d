"""The linear probe: how well one linear layer tells the classes apart on frozen embeddings."""

from dataclasses import replace

import keras
import numpy as np

from ..data.batch_order import steps_per_epoch
from ..data.images import ImageSource
from ..data.lost_files import naming_lost_files
from ..data.spectrogram_batches import labeled_inputs
from ..errors import InputError
from ..schedules import warmup_cosine
from .embed import as_taken, embed, inference
from .linear_head import top_1


def linear_accuracy(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray, c: float = 1.0
) -> float:
    """Multinomial logistic regression by L-BFGS on standardized embeddings: the fast probe, see `LinearHead.fit`.

    Args:
        train: (N, D) float embeddings.
        train_labels: (N,) int from 0 on, of two classes at least.
        test: (M, D) float embeddings.
        test_labels: (M,) int.
        c: inverse strength of the L2 penalty; fixed, so that nothing is chosen on the test images.

    Returns:
        float, accuracy on the test images, from 0 to 1.

    Raises:
        InputError: for arrays that do not fit together, or labels of one class only.

    Example:
        vectors, test_vectors = (bk.evaluation.embed(encoder, source) for source in (train, test))
        accuracy = bk.evaluation.linear_accuracy(vectors, train.labels, test_vectors, test.labels)
    """
    return float(np.mean(top_1(train, train_labels, test, c) == test_labels))


def linear_accuracy_sgd(
    encoder: keras.Model,
    train: ImageSource,
    test: ImageSource,
    epochs: int = 80,
    batch_size: int = 256,
    seed: int = 0,
) -> float:
    """The authors' linear evaluation: see `linear_predictions_sgd`.

    Args:
        encoder, train, epochs, batch_size, seed: as there.
        test: labeled `ImageSource` with the same classes.

    Returns:
        float, accuracy on the test images, from 0 to 1.

    Example:
        accuracy = bk.evaluation.linear_accuracy_sgd(run.encoder, train, test)
    """
    return float(np.mean(linear_predictions_sgd(encoder, train, test, epochs, batch_size, seed) == test.labels))


def linear_predictions_sgd(
    encoder: keras.Model,
    train: ImageSource,
    test: ImageSource,
    epochs: int = 80,
    batch_size: int = 256,
    seed: int = 0,
) -> np.ndarray:
    """Classes by a linear layer trained by SGD on embeddings of randomly cropped and flipped images, or parts of sound.

    Nesterov momentum 0.9, learning rate 0.2 * batch / 256 with a cosine to 0, no weight decay, the encoder frozen in
    inference mode; the last epoch counts (Grill et al. 2020, appendix C.1). It embeds the training images once an
    epoch, so it costs `epochs` times what `linear_accuracy` does.

    Args:
        encoder: keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D).
        train: labeled `ImageSource`.
        test: `ImageSource`, M images.
        epochs: int, passes over the training images.
        batch_size: int, cut to the number of training images.
        seed: int, of the order of the images, the crops and flips, and the new weights.

    Returns:
        (M,) int, the classes of the test images.

    Raises:
        InputError: for images of one class only.
    """
    # Numbered anew: labels may have gaps.
    classes, numbers = np.unique(train.labels, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"A linear probe takes two classes at least. Received: labels of {len(classes)}")
    batch_size, train = min(batch_size, len(train)), replace(as_taken(encoder, train), labels=numbers)
    total_steps = epochs * steps_per_epoch(train, batch_size)
    batches = labeled_inputs(train, encoder.input_shape[1:3], batch_size, total_steps, seed)
    keras.utils.set_random_seed(seed)
    head = keras.Sequential([keras.Input(encoder.output_shape[1:]), keras.layers.Dense(len(classes), dtype="float32")])
    head.compile(
        keras.optimizers.SGD(warmup_cosine(0.2, batch_size, total_steps), momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    # Only the head is trained: the encoder gives it embeddings. Not in the input pipeline, where Keras' layers run in
    # a graph without the kernels of `inference`, and beside the reading of images, which has the same cores.
    forward = inference(encoder)
    with naming_lost_files(train):
        for images, labels in batches:
            head.train_on_batch(forward(images), labels)
    vectors = embed(encoder, test, precision=None)  # as those it is trained on
    return classes[np.argmax(head.predict(vectors, batch_size=4096, verbose=0), axis=1)]

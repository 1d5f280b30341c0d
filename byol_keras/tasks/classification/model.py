"""The network: an encoder and a linear layer on it."""

import keras
import numpy as np

from ...data.eval_pipeline import ordered_batches
from ...data.images import ImageSource
from ...data.lost_files import naming_lost_files
from ...evaluation.embed import as_taken, inference, taken_size


def build_classifier(encoder: keras.Model, num_classes: int) -> keras.Model:
    """An encoder with a linear layer of zeros on top, and a softmax.

    Args:
        encoder: keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D); it becomes a layer of the classifier.
        num_classes: int, K.

    Returns:
        keras.Model, "classifier": images as the encoder takes them -> (B, K) float32, probabilities. Its layers are
        the input, the encoder, the linear layer "logits" and the softmax "scores".

    Example:
        classifier = bk.tasks.build_classifier(encoder, num_classes=10)
    """
    images = keras.Input(encoder.input_shape[1:], name="images")
    linear = keras.layers.Dense(num_classes, kernel_initializer="zeros", dtype="float32", name="logits")
    scores = keras.layers.Softmax(dtype="float32", name="scores")(linear(encoder(images)))
    return keras.Model(images, scores, name="classifier")


def predict_probabilities(classifier: keras.Model, source: ImageSource, batch_size: int = 256) -> np.ndarray:
    """What a classifier says of each image.

    Args:
        classifier: keras.Model, see `build_classifier`.
        source: `ImageSource`, N of them; each is cut to its central square and resized to S.
        batch_size: int.

    Returns:
        (N, K) float32, probabilities.

    Example:
        top_1 = bk.tasks.predict_probabilities(classifier, source).argmax(axis=1)
    """
    forward, source = inference(classifier), as_taken(classifier, source)
    batches = ordered_batches(source, taken_size(classifier, source), batch_size)
    with naming_lost_files(source):
        return np.concatenate([np.asarray(forward(batch)) for batch in batches])

"""The linear probe: how well one linear layer tells the classes apart on frozen embeddings."""

import keras
import numpy as np

from ..data.train_pipeline import labeled_batches, steps_per_epoch
from ..schedules import warmup_cosine
from .embed import embed


def linear_accuracy(train, train_labels, test, test_labels, c=1.0):
    """Multinomial logistic regression by L-BFGS on standardized embeddings: the fast probe.

    Args:
        train, test: (N, D) and (M, D) float embeddings.
        train_labels, test_labels: (N,) and (M,) int.
        c: inverse strength of the L2 penalty; fixed, so that nothing is chosen on the test images.

    Returns:
        float, accuracy on the test images, from 0 to 1.
    """
    classes, weights, bias = logistic_regression(train, train_labels, c)
    scores = np.asarray(test, np.float32) @ weights + bias
    return float(np.mean(classes[np.argmax(scores, axis=1)] == test_labels))


def logistic_regression(vectors, labels, c=1.0):
    """Multinomial logistic regression by L-BFGS, its standardization of the vectors multiplied into its weights.

    Args:
        vectors: (N, D) float.
        labels: (N,) int, of two classes at least.
        c: inverse strength of the L2 penalty, on standardized vectors.

    Returns:
        classes (K,), those that occur in `labels`, rising; weights (D, K) and bias (K,), float64: the logits of the
        classes are vectors @ weights + bias.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    vectors = np.asarray(vectors, np.float32)
    scaler = StandardScaler().fit(vectors)
    model = LogisticRegression(C=c, max_iter=1000, tol=1e-3).fit(scaler.transform(vectors), labels)
    weights, bias = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    if len(weights) == 1:  # of two classes only the second has a logit; the first one's is 0
        weights, bias = np.concatenate([np.zeros_like(weights), weights]), np.append(0.0, bias)
    weights = weights / scaler.scale_
    return model.classes_, weights.T, bias - weights @ scaler.mean_


def linear_accuracy_sgd(encoder, train, test, epochs=80, batch_size=256, seed=0):
    """The authors' linear evaluation: SGD on embeddings of randomly cropped and flipped images.

    Nesterov momentum 0.9, learning rate 0.2 * batch / 256 with a cosine to 0, no weight decay, the encoder frozen in
    inference mode; the last epoch counts (Grill et al. 2020, appendix C.1). It embeds the training images once an
    epoch, so it costs `epochs` times what `linear_accuracy` does.

    Args:
        encoder: keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D).
        train, test: labeled `ImageSource` with the same classes.
        epochs, batch_size, seed: int; the batch is cut to the number of training images.

    Returns:
        float, accuracy on the test images, from 0 to 1.
    """
    batch_size = min(batch_size, len(train))
    total_steps = epochs * steps_per_epoch(train, batch_size)
    batches = labeled_batches(train, encoder.input_shape[1], batch_size, total_steps, seed)
    keras.utils.set_random_seed(seed)
    classes = int(train.labels.max()) + 1
    head = keras.Sequential([keras.Input((encoder.output_shape[-1],)), keras.layers.Dense(classes, dtype="float32")])
    head.compile(
        keras.optimizers.SGD(warmup_cosine(0.2, batch_size, total_steps), momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    # The encoder runs in the input pipeline, so that nothing of it can be trained.
    embedded = batches.map(lambda images, labels: (encoder(images, training=False), labels))
    head.fit(embedded, epochs=1, verbose=0, shuffle=False)
    scores = head.predict(embed(encoder, test), batch_size=4096, verbose=0)
    return float(np.mean(np.argmax(scores, axis=1) == test.labels))

"""What BYOL logs of its steps, as Keras metrics."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..gauges import effective_rank, target_std
from ..utils.replicas import gathered, replica_count, summed

# Images of a batch that a rank is made of: enough to see it fall, for a millisecond or less.
RANK_ROWS = 64


class SharedMean(keras.metrics.Mean):
    """A mean of numbers that all replicas have alike, and so the same on each; to read it they need not meet.

    Keras' own sums up when it is read what each replica was given. Over several workers all of them would have to read
    it at once, also where one alone writes a checkpoint.
    """

    def add_variable(self, shape, initializer, dtype=None, aggregation="sum", name=None):
        # Keras tracks it when it becomes an attribute.
        initializer = keras.initializers.get(initializer)
        return keras.Variable(initializer, shape, dtype, trainable=False, aggregation="only_first_replica", name=name)


class StepMetrics:
    """The means since an epoch began, over the batches of all replicas; steps that were skipped are not in them.

    Attributes:
        loss, target_std, embedding_rank, projection_rank: `SharedMean`; see `BYOL`.
    """

    def __init__(self):
        self.loss = SharedMean(name="loss")
        self.target_std = SharedMean(name="target_std")
        self.embedding_rank = SharedMean(name="embedding_rank")
        self.projection_rank = SharedMean(name="projection_rank")

    @property
    def all(self) -> list[keras.metrics.Metric]:
        return [self.loss, self.target_std, self.embedding_rank, self.projection_rank]

    def update(
        self,
        losses: tf.Tensor,
        penalties: Sequence[tf.Tensor],
        embedding: tf.Tensor,
        targets: Sequence[tf.Tensor],
        finite: tf.Tensor | bool,
    ) -> None:
        """Takes one batch into the means.

        Args:
            losses: (B,) float32, each image's; these and the following are a replica's own part of the batch.
            penalties: () float32 each, regularization losses, which count for every image.
            embedding: of the first view, (B, D).
            targets: the target's projections of each view, (B, P).
            finite: () bool, whether the step counts.
        """
        if replica_count() > 1:
            # In one exchange.
            parts = [losses[:, tf.newaxis], embedding, *targets]
            rows = gathered(tf.concat([tf.cast(part, tf.float32) for part in parts], axis=1))
            losses, embedding, *targets = tf.split(rows, [part.shape[1] for part in parts], axis=1)
            losses, penalties = losses[:, 0], [summed(penalty) / replica_count() for penalty in penalties]
        losses = tf.add_n([losses, *(p + tf.zeros_like(losses) for p in penalties)])
        self._take(self.loss, losses, finite, tf.ones_like(losses))
        # By degrees of freedom: a last, smaller batch counts less, and one image, which differs from none, not at all.
        freedom = tf.cast(tf.shape(losses)[0] - 1, tf.float32)
        std = tf.add_n([target_std(target) for target in targets]) / len(targets)
        self._take(self.target_std, std, finite, freedom)
        self._take(self.embedding_rank, _rank(embedding), finite, freedom)
        self._take(self.projection_rank, _rank(targets[0]), finite, freedom)

    def _take(self, metric, values, finite, weights):
        metric.update_state(tf.where(finite, values, 0.0), sample_weight=tf.cast(finite, tf.float32) * weights)


def _rank(vectors):
    # Rows of zeros change no rank, and with them the shape is known while the graph is made.
    zeros = tf.zeros((RANK_ROWS, vectors.shape[1]), vectors.dtype)
    return effective_rank(tf.slice(tf.concat([vectors, zeros], 0), [0, 0], [RANK_ROWS, vectors.shape[1]]))

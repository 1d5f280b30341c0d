"""What BYOL logs of its steps, as Keras metrics."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..gauges import effective_rank, target_std

# Images of a batch that a rank is made of: enough to see it fall, for a millisecond or less.
RANK_ROWS = 64


class StepMetrics:
    """The means since an epoch began; steps that were skipped are not in them.

    Attributes:
        loss, target_std, embedding_rank, projection_rank: `keras.metrics.Mean`; see `BYOL`.
    """

    def __init__(self):
        self.loss = keras.metrics.Mean(name="loss")
        self.target_std = keras.metrics.Mean(name="target_std")
        self.embedding_rank = keras.metrics.Mean(name="embedding_rank")
        self.projection_rank = keras.metrics.Mean(name="projection_rank")

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
            losses: (B,) float32, each image's.
            penalties: () float32 each, regularization losses, which count for every image.
            embedding: of the first view, (B, D).
            targets: the target's projections of each view, (B, P).
            finite: () bool, whether the step counts.
        """
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

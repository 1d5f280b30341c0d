"""Ways to train that were tried beside the package's own, for `benchmarks.recipe_trials`."""

import keras
import tensorflow as tf
from keras import ops

import byol_keras as bk
from byol_keras.augment import TwoViews
from byol_keras.data import ImageSource
from byol_keras.data.batch_order import batch_indices
from byol_keras.losses import l2_normalize, regression_loss
from byol_keras.utils.pipeline import parallel_map


def correlation(projection):
    """Sum of the squared correlations between dimensions, per dimension; after Barlow Twins (arXiv 2103.03230)."""
    mean, variance = tf.nn.moments(projection, 0)
    standard = (projection - mean) * tf.math.rsqrt(variance + 1e-5)
    return _off_diagonal(tf.matmul(standard, standard, transpose_a=True) / _rows(projection))


def vicreg(projection):
    """VICReg's two terms with its weights, as a share of its invariance term's (arXiv 2105.04906)."""
    mean, variance = tf.nn.moments(projection, 0)
    spread = tf.reduce_mean(tf.nn.relu(1.0 - tf.sqrt(variance + 1e-4)))
    centered = projection - mean
    covariance = tf.matmul(centered, centered, transpose_a=True) / (_rows(projection) - 1.0)
    return spread + _off_diagonal(covariance) / 25.0


def coding_rate(projection):
    """Minus the total coding rate of the normalized projections, per image; after EMP-SSL (arXiv 2304.03977)."""
    rows, dimensions = _rows(projection), projection.shape[1]
    vectors = l2_normalize(projection)
    gram = tf.matmul(vectors, vectors, transpose_b=True) * (dimensions / (rows * 0.2**2))
    factor = tf.linalg.cholesky(gram + tf.eye(tf.shape(gram)[0]))
    return -tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor))) / rows


def uniformity(projection):
    """log mean exp(-2 d^2) over pairs of normalized projections; after Wang & Isola (arXiv 2005.10242)."""
    vectors, rows = l2_normalize(projection), _rows(projection)
    similar = tf.exp(4.0 * (tf.matmul(vectors, vectors, transpose_b=True) - 1.0))
    return tf.math.log((tf.reduce_sum(similar) - rows) / (rows * (rows - 1.0)))


class Muon(keras.optimizers.Muon):
    """Keras' Muon, which also takes a convolution's filters, as the matrix of inputs by outputs that they are."""

    ranks = (2, 4)

    def _should_use_adamw(self, variable):
        return len(variable.shape) not in self.ranks

    def zeropower_via_newtonschulz5(self, x, steps):
        matrix = ops.cast(ops.reshape(x, (-1, x.shape[-1])), "bfloat16")
        return ops.cast(super().zeropower_via_newtonschulz5(matrix, steps), x.dtype)

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        update = self.zeropower_via_newtonschulz5(ops.add(gradient, self.momentum * m), self.ns_steps)
        self.assign_sub(variable, ops.reshape(self.lr_adjust(lr * update), variable.shape))


def _rows(projection):
    return tf.cast(tf.shape(projection)[0], tf.float32)


def _off_diagonal(matrix):
    off = matrix - tf.linalg.diag(tf.linalg.diag_part(matrix))
    return tf.reduce_sum(tf.square(off)) / matrix.shape[0]


class WithTerm(bk.BYOL):
    """BYOL with a term of the online projections of each view added to its loss."""

    term, weight = None, 0.0

    def _online(self, view, training):
        embedding = self.encoder(view, training=training)
        projection = self.projector(embedding, training=training)
        penalties = []
        if self.term is not None and training:
            # BYOL averages penalties over the two views, and adds its own loss up.
            penalties = [2.0 * self.weight * self.term(tf.cast(projection, tf.float32))]
        return embedding, self.predictor(projection, training=training), penalties


class FourViews(WithTerm):
    """Each half of `view_1` and `view_2` is a view, and predicts the mean of the others' targets; after FastSiam."""

    def _loss_of(self, view_1, view_2, target_1, target_2, training):
        embedding, prediction_1, penalties_1 = self._online(view_1, training)
        _, prediction_2, penalties_2 = self._online(view_2, training)
        targets = [half for target in (target_1, target_2) for half in tf.split(l2_normalize(target), 2)]
        predictions = [half for prediction in (prediction_1, prediction_2) for half in tf.split(prediction, 2)]
        total = tf.add_n(targets)
        losses = [regression_loss(p, (total - t) / 3.0) for p, t in zip(predictions, targets, strict=True)]
        penalties = [(p_1 + p_2) / 2.0 for p_1, p_2 in zip(penalties_1, penalties_2, strict=True)]
        return tf.concat([losses[0] + losses[2], losses[1] + losses[3]], 0), penalties, embedding


def four_view_batches(source: ImageSource, views: TwoViews, batch_size: int, total_steps: int, seed: int):
    """As `two_view_batches`, of images in memory, each view of two views of every image: (2 B, S, S, C)."""
    images = tf.constant(source.images)
    indices = tf.constant([batch_indices(source, batch_size, seed, step) for step in range(total_steps)])

    def made(step):
        chosen = tf.gather(images, indices[step])
        return (views(tf.concat([chosen, chosen], 0), seed=tf.stack([tf.constant(seed, tf.int64), step])),)

    return parallel_map(tf.data.Dataset.range(total_steps), made)

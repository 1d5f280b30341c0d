"""An adversary: a critic that tells embeddings from samples of a normal distribution, and an encoder that evades it."""

from typing import Any

import keras
import tensorflow as tf

from ..augment.random import GENERATOR, add_next_seed, take_seed
from ..models.checks import checked_positive
from ..utils.replicas import place_in_all

# The samples of `evaluate`: the same for every batch, and none of training's.
EVALUATION_SEED = (2**31 - 1, 0)


def reversed_gradient(x: tf.Tensor, weight: float) -> tf.Tensor:
    """`x` as it is, with a gradient that is -weight times what comes: gradient reversal (arXiv 1505.07818).

    Args:
        x: any shape, floating point.
        weight: of the gradient.
    """

    @tf.custom_gradient
    def identity(x):
        return tf.identity(x), lambda gradient: -weight * gradient

    return identity(x)


@keras.saving.register_keras_serializable("byol_keras")
class CriticTerm(keras.layers.Layer):
    """A critic learns to tell embeddings from samples of N(0, I), and the encoder to give what it cannot tell.

    With f the critic, a network of two hidden layers that gives a logit, e_i the embedding of image i and n_i a sample:

        critic_i = -log(1 - sigmoid(f(e_i))) - log(sigmoid(f(n_i))).

    The critic is trained by this loss, and the encoder by -weight times it: adversarial autoencoders (Makhzani et al.
    2015, arXiv 1511.05644) draw embeddings to a prior so. They update the two in turns; here both go by one step of one
    optimizer, with the gradient reversed between them (Ganin et al. 2016, arXiv 1505.07818). The encoder's gradient
    vanishes where the critic is sure. What is logged is the critic's loss, without the weight: 2 log 2, about 1.39,
    where it cannot tell, towards 0 where it always can.

    Args:
        weight: of the gradient that the encoder is given, above 0.
        hidden_dim: width of the critic's hidden layers; 1,000 in the paper.

    Raises:
        InputError: for another weight.

    Example:
        model = bk.BYOL(encoder, extra_losses=[bk.objectives.CriticTerm(0.1)])
    """

    def __init__(self, weight: float, hidden_dim: int = 1000, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.weight = checked_positive("weight", weight)
        self.hidden_dim = hidden_dim
        # Not in half precision, whatever the encoder is in: it is small, and its logits decide.
        dtype = self.variable_dtype
        self.critic = keras.Sequential(
            [
                keras.layers.Dense(hidden_dim, activation="relu", dtype=dtype),
                keras.layers.Dense(hidden_dim, activation="relu", dtype=dtype),
                keras.layers.Dense(1, dtype=dtype),
            ],
            name="critic",
        )

    def build(self, view_shape: tuple, embedding_shape: tuple, projection_shape: tuple) -> None:
        self.critic.build((None, embedding_shape[-1]))
        self.next_seed = add_next_seed(self)
        self.built = True

    def call(
        self, view: tf.Tensor, embedding: tf.Tensor, projection: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        """Each image's part.

        Args:
            view: not used.
            embedding: (B, D), any floating dtype.
            projection: not used.
            training: with it every call has samples of its own, else all have the same.

        Returns:
            (B,) float32, from 0.
        """
        embedding = tf.cast(embedding, self.variable_dtype)
        of_embedding = self.critic(reversed_gradient(embedding, self.weight), training=training)
        of_sample = self.critic(self._samples(embedding, training), training=training)
        losses = tf.nn.softplus(of_embedding) + tf.nn.softplus(-of_sample)
        return tf.cast(tf.squeeze(losses, axis=-1), tf.float32)

    def _samples(self, embedding, training):
        """(B, D) of N(0, I), those of this replica's images: the same on any number of replicas."""
        seed = take_seed(self.next_seed) if training else tf.constant(EVALUATION_SEED, tf.int64)
        start, total = place_in_all(tf.shape(embedding)[0])
        samples = tf.random.stateless_normal((total, embedding.shape[1]), seed, dtype=embedding.dtype, alg=GENERATOR)
        return samples[start : start + tf.shape(embedding)[0]]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight, "hidden_dim": self.hidden_dim}

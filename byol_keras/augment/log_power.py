"""Sound in bands: powers on a logarithmic scale, as numbers in [0, 1], and how two sounds are mixed on it."""

import tensorflow as tf

# The natural logarithm of a band's power that stands at 0 and at 1. A sine of full scale has the power 0.5, a square
# wave's first partial 0.81, up to half as much again by the window; the noise of 16 bits is between -29 and -27.
LOWEST, HIGHEST = -28.0, 1.0


def to_unit(log_power: tf.Tensor) -> tf.Tensor:
    """Natural logarithms of powers, of any shape -> [0, 1]: LOWEST and below is 0, HIGHEST and above 1."""
    return tf.clip_by_value((log_power - LOWEST) / (HIGHEST - LOWEST), 0.0, 1.0)


def log_mixup_exp(first: tf.Tensor, second: tf.Tensor, ratio: tf.Tensor) -> tf.Tensor:
    """Two sounds heard at once: the logarithm of (1 - ratio) exp(first) + ratio exp(second).

    As the mix of BYOL for Audio (Niizumi et al. 2021, arXiv 2103.06695), of the powers themselves.

    Args:
        first, second: (B, F, T, C) float32 in [0, 1], see `to_unit`.
        ratio: (B,) float32 from 0, which leaves the first as it is, to 1.

    Returns:
        (B, F, T, C) float32 in [0, 1].
    """
    ratio, scale = ratio[:, None, None, None], HIGHEST - LOWEST
    louder = tf.maximum(first, second)
    # By what each is below the louder one, so that nothing underflows.
    powers = (1.0 - ratio) * tf.exp(scale * (first - louder)) + ratio * tf.exp(scale * (second - louder))
    mixed = tf.clip_by_value(louder + tf.math.log(powers) / scale, 0.0, 1.0)
    return tf.where(ratio > 0.0, mixed, first)

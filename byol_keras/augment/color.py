"""Color changes of batched images. Every function takes one parameter per image.

Images are NHCW here, (B, H, C, W) float32 in [0, 1], see `layout`; NWCH serves as well. Saturation, hue and
grayscale are about red, green and blue: to gray images, and any others with C other than 3, they do nothing.
"""

import tensorflow as tf

GRAY_WEIGHTS = (0.2989, 0.5870, 0.1140)


def _per_image(parameter):
    return parameter[:, None, None, None]


def brightness_contrast(nhcw: tf.Tensor, delta: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Scales by `factor` (B,) about each channel's mean over the image, adds `delta` (B,), then clips to [0, 1]."""
    # In two steps: along whole rows XLA adds with vector units, within a row number by number.
    mean = tf.reduce_mean(tf.reduce_mean(nhcw, axis=1, keepdims=True), axis=3, keepdims=True)
    return tf.clip_by_value((nhcw - mean) * _per_image(factor) + (mean + _per_image(delta)), 0.0, 1.0)


def saturation_hue(nhcw: tf.Tensor, factor: tf.Tensor, delta: tf.Tensor) -> tf.Tensor:
    """Multiplies the saturation of HSV by `factor` (B,) >= 0, at most to 1, and turns the hue by `delta` (B,) turns.

    With V the largest and m the smallest channel, saturation is (V - m) / V, and a channel is V - (V - m) * (something
    of the hue), so no conversion to HSV and back is needed.
    """
    if nhcw.shape[2] != 3:
        return nhcw
    red, green, blue = tf.unstack(nhcw, axis=2)
    value = tf.maximum(tf.maximum(red, green), blue)
    chroma = value - tf.minimum(tf.minimum(red, green), blue)
    # A gray pixel has no hue; whatever stands for it is multiplied by its chroma, 0.
    inverse = 1.0 / tf.where(chroma > 0.0, chroma, 1.0)
    # The hue in sixths of a turn, counted from red.
    sixths = tf.where(
        tf.equal(value, red),
        (green - blue) * inverse,
        tf.where(tf.equal(value, green), 2.0 + (blue - red) * inverse, 4.0 + (red - green) * inverse),
    )
    sixths += 6.0 * delta[:, None, None]
    chroma = tf.minimum(chroma * factor[:, None, None], value)

    def channel(offset):
        # Not floormod, which is a slow call for every number.
        k = sixths + offset
        k -= 6.0 * tf.floor(k * (1.0 / 6.0))
        return value - chroma * tf.clip_by_value(tf.minimum(k, 4.0 - k), 0.0, 1.0)

    return tf.stack([channel(5.0), channel(3.0), channel(1.0)], axis=2)


def grayscale(nhcw: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Replaces every channel by the luma 0.2989 R + 0.5870 G + 0.1140 B where `chosen` (B,) bool."""
    if nhcw.shape[2] != 3:
        return nhcw
    luma = tf.reduce_sum(nhcw * tf.reshape(tf.constant(GRAY_WEIGHTS), [1, 1, 3, 1]), axis=2, keepdims=True)
    return tf.where(_per_image(chosen), luma, nhcw)


def solarize(nhcw: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Turns over the bright half, x < 0.5 ? x : 1 - x, where `chosen` (B,) bool."""
    return tf.where(_per_image(chosen) & (nhcw >= 0.5), 1.0 - nhcw, nhcw)


def jitter(
    nhcw: tf.Tensor,
    order: tf.Tensor,
    brightness_delta: tf.Tensor,
    contrast_factor: tf.Tensor,
    saturation_factor: tf.Tensor,
    hue_delta: tf.Tensor,
) -> tf.Tensor:
    """The four color changes, in an order of its own for each image.

    All four are computed in each of four places, and an image's parameter is neutral in all places but its own: work
    that vector units hardly notice, where a choice for each image would hold them up. Of images that are not RGB
    only brightness and contrast are, in their order, the same for all channels.

    Args:
        nhcw: (B, H, C, W) float32 in [0, 1].
        order: (B, 4) int32, a permutation per image: which change comes 1st to 4th; 0 brightness, 1 contrast,
            2 saturation, 3 hue.
        brightness_delta, contrast_factor, saturation_factor, hue_delta: (B,); 0, 1, 1 and 0 change nothing.

    Returns:
        (B, H, C, W) float32 in [0, 1].
    """
    changes = tf.unstack(order, axis=1)
    if nhcw.shape[2] != 3:
        brightness, contrast = (tf.argmax(tf.cast(order == change, tf.int32), axis=1) for change in (0, 1))
        first = tf.where(brightness < contrast, 0, 1)
        changes = [first, 1 - first]
    for change in changes:
        nhcw = brightness_contrast(
            nhcw, tf.where(change == 0, brightness_delta, 0.0), tf.where(change == 1, contrast_factor, 1.0)
        )
        nhcw = saturation_hue(
            nhcw, tf.where(change == 2, saturation_factor, 1.0), tf.where(change == 3, hue_delta, 0.0)
        )
    return nhcw

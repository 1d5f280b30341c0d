"""Colour changes of batched pictures. Every function takes one parameter a picture.

Pictures are planes here, (B, C, H, W) float32 in [0, 1]: hue and saturation work across channels, and whole planes are
what vector units like. On grey pictures (C = 1) saturation, hue and greyscale do nothing.
"""

import tensorflow as tf

GREY_WEIGHTS = (0.2989, 0.5870, 0.1140)


def _per_picture(parameter):
    return parameter[:, None, None, None]


def brightness(planes, delta):
    """Adds `delta` (B,), then clips to [0, 1]."""
    return tf.clip_by_value(planes + _per_picture(delta), 0.0, 1.0)


def contrast(planes, factor):
    """Scales by `factor` (B,) about each channel's mean over the picture, then clips to [0, 1]."""
    mean = tf.reduce_mean(planes, axis=[2, 3], keepdims=True)
    return tf.clip_by_value((planes - mean) * _per_picture(factor) + mean, 0.0, 1.0)


def saturation(planes, factor):
    """Multiplies the saturation of HSV by `factor` (B,) >= 0, at most to 1; hue and value stay.

    With V the largest and m the smallest channel, S = (V - m) / V and every channel is V - S * (something of the hue),
    so a new saturation scales the distance from V, and no conversion is needed.
    """
    if planes.shape[1] == 1:
        return planes
    value = tf.reduce_max(planes, axis=1, keepdims=True)
    chroma = value - tf.reduce_min(planes, axis=1, keepdims=True)
    # S * factor <= 1 means factor <= V / chroma; a grey pixel has no chroma and stays.
    scale = tf.minimum(_per_picture(factor), tf.math.divide_no_nan(value, chroma))
    return value - (value - planes) * scale


def hue(planes, delta):
    """Turns the hue of HSV by `delta` (B,), in turns; saturation and value stay."""
    if planes.shape[1] == 1:
        return planes
    red, green, blue = tf.unstack(planes, axis=1)
    value = tf.maximum(tf.maximum(red, green), blue)
    chroma = value - tf.minimum(tf.minimum(red, green), blue)
    # The hue in sixths of a turn, counted from red.
    sixths = tf.where(
        tf.equal(value, red),
        tf.math.divide_no_nan(green - blue, chroma),
        tf.where(
            tf.equal(value, green),
            2.0 + tf.math.divide_no_nan(blue - red, chroma),
            4.0 + tf.math.divide_no_nan(red - green, chroma),
        ),
    )
    sixths += 6.0 * delta[:, None, None]

    def channel(offset):
        k = tf.math.floormod(sixths + offset, 6.0)
        return value - chroma * tf.clip_by_value(tf.minimum(k, 4.0 - k), 0.0, 1.0)

    return tf.stack([channel(5.0), channel(3.0), channel(1.0)], axis=1)


def greyscale(planes, chosen):
    """Replaces every channel by the luma 0.2989 R + 0.5870 G + 0.1140 B where `chosen` (B,) bool."""
    if planes.shape[1] == 1:
        return planes
    luma = tf.reduce_sum(planes * tf.reshape(tf.constant(GREY_WEIGHTS), [1, 3, 1, 1]), axis=1, keepdims=True)
    return tf.where(_per_picture(chosen), luma, planes)


def solarize(planes, chosen):
    """Turns over the bright half, x < 0.5 ? x : 1 - x, where `chosen` (B,) bool."""
    return tf.where(_per_picture(chosen) & (planes >= 0.5), 1.0 - planes, planes)


def jitter(planes, order, brightness_delta, contrast_factor, saturation_factor, hue_delta):
    """The four colour changes, in an order of its own for each picture.

    Hue is dear, so it is computed once: each of the others runs in up to three slots before it and three after it, and
    a picture's parameter is neutral in all slots but its own.

    Args:
        planes: (B, C, H, W) float32 in [0, 1].
        order: (B, 4) int32, a permutation a picture: which change comes 1st to 4th; 0 brightness, 1 contrast,
            2 saturation, 3 hue.
        brightness_delta, contrast_factor, saturation_factor, hue_delta: (B,); 0, 1, 1 and 0 change nothing.

    Returns:
        (B, C, H, W) float32 in [0, 1].
    """
    hue_slot = tf.argmax(tf.cast(tf.equal(order, 3), tf.int32), axis=1, output_type=tf.int32)

    def slot(planes, place, active):
        change = order[:, place]
        planes = brightness(planes, tf.where(active & (change == 0), brightness_delta, 0.0))
        planes = contrast(planes, tf.where(active & (change == 1), contrast_factor, 1.0))
        return saturation(planes, tf.where(active & (change == 2), saturation_factor, 1.0))

    if planes.shape[1] == 1:
        for place in range(4):
            planes = slot(planes, place, hue_slot != place)
        return planes
    for place in range(3):
        planes = slot(planes, place, hue_slot > place)
    planes = hue(planes, hue_delta)
    for place in range(1, 4):
        planes = slot(planes, place, hue_slot < place)
    return planes

"""One random view of each image. What a view is stands in the two dicts."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from ..kernels.xla import compiled
from .blur import gaussian_blur
from .color import grayscale, jitter, solarize
from .crop import crop_nwch, crop_resize, random_boxes
from .layout import from_nhcw, to_nhcw, transpose_hw
from .random import Part, fold_in, split, uniform
from .turn import turned

# Grill et al. 2020, appendix B, with the values of the authors' code.
VIEW_1 = {
    "crop_area": (0.08, 1.0),  # share of the image, uniform
    "crop_aspect": (3 / 4, 4 / 3),  # width / height, log-uniform
    "flip": 0.5,  # probability
    "quarter_turn": 0.0,  # probability of a turn by 90, 180 or 270 degrees, each alike; not in the paper
    "jitter": 0.8,  # probability of the four color changes together
    "brightness": 0.4,  # added, uniform in [-0.4, 0.4]
    "contrast": 0.4,  # factor, uniform in [0.6, 1.4]
    "saturation": 0.2,  # factor, uniform in [0.8, 1.2]
    "hue": 0.1,  # turns, uniform in [-0.1, 0.1]
    "grayscale": 0.2,  # probability
    "blur": 1.0,  # probability
    "blur_sigma": (0.1, 2.0),  # pixels, uniform
    "solarize": 0.0,  # probability
}
VIEW_2 = {
    "crop_area": (0.08, 1.0),
    "crop_aspect": (3 / 4, 4 / 3),
    "flip": 0.5,
    "quarter_turn": 0.0,
    "jitter": 0.8,
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.2,
    "hue": 0.1,
    "grayscale": 0.2,
    "blur": 0.1,
    "blur_sigma": (0.1, 2.0),
    "solarize": 0.2,
}


def random_view(
    images: tf.Tensor, image_size: int, view: Mapping[str, Any], seed: tf.Tensor, part: Part = None
) -> tf.Tensor:
    """Draws one view of each image: crop and resize, then `distort`.

    Args:
        images: (B, H, W, C) float32 in [0, 1]; saturation, hue and grayscale are for C 3.
        image_size: int, S.
        view: dict such as VIEW_1.
        seed: (2,) int32; the same seed gives the same views.
        part: of which batch these images are a part, see `random.uniform`.

    Returns:
        (B, S, S, C) float32 in [0, 1].

    Example:
        view = bk.augment.random_view(images, 32, bk.VIEW_1, seed=(0, 1))
    """
    crop_seed, distort_seed = split(seed, 2)
    boxes = random_boxes(images, view["crop_area"], view["crop_aspect"], crop_seed, part)
    if None in images.shape[1:]:
        return distort(crop_resize(images, boxes, image_size), view, distort_seed, part)
    return from_nhcw(_distorted(crop_nwch(images, boxes, image_size), view, distort_seed, part))


def distort(crops: tf.Tensor, view: Mapping[str, Any], seed: tf.Tensor, part: Part = None) -> tf.Tensor:
    """All of a view after the crop: flip, turn, color jitter, grayscale, blur, solarize; every draw is per image.

    Args:
        crops: (B, S, S, C) float32 in [0, 1].
        view: dict such as VIEW_1.
        seed: (2,) int32.
        part: as for `random_view`.

    Returns:
        (B, S, S, C) float32 in [0, 1].
    """
    return from_nhcw(_distorted(transpose_hw(to_nhcw(crops)), view, seed, part))


def _distorted(nwch, view, seed, part):
    """`distort` of NWCH, giving NHCW; both are (B, S, C, S)."""
    batch = tf.shape(nwch)[0]
    draws = tf.unstack(uniform([10, batch], seed, part, axis=1))
    # Ranks of independent uniform numbers are a uniform permutation.
    order = tf.argsort(uniform([batch, 4], fold_in(seed, 1), part), axis=1)
    if view["quarter_turn"]:
        chosen, turns = tf.unstack(uniform([2, batch], fold_in(seed, 2), part, axis=1))
        nwch = turned(nwch, tf.where(chosen < view["quarter_turn"], 1 + tf.cast(3.0 * turns, tf.int32), 0))
    jittered = draws[1] < view["jitter"]

    def symmetric(draw, reach):
        return tf.where(jittered, (2.0 * draw - 1.0) * reach, 0.0)

    nwch = _recolored(
        nwch,
        draws[0] < view["flip"],
        order,
        symmetric(draws[2], view["brightness"]),
        1.0 + symmetric(draws[3], view["contrast"]),
        1.0 + symmetric(draws[4], view["saturation"]),
        symmetric(draws[5], view["hue"]),
        draws[6] < view["grayscale"],
    )
    blurred, (low, high) = draws[7] < view["blur"], view["blur_sigma"]
    sigma = tf.where(blurred, low + draws[8] * (high - low), 0.0)
    # Sigma 0 changes nothing, yet costs as much as any other.
    nhcw = tf.cond(tf.reduce_any(blurred), lambda: gaussian_blur(nwch, sigma), lambda: transpose_hw(nwch))
    return _solarized(nhcw, draws[9] < view["solarize"])


@compiled
def _recolored(nwch, flipped, order, brightness, contrast, saturation, hue, gray):
    nwch = tf.where(flipped[:, None, None, None], tf.reverse(nwch, [1]), nwch)
    return grayscale(jitter(nwch, order, brightness, contrast, saturation, hue), gray)


@compiled
def _solarized(nhcw, chosen):
    return tf.clip_by_value(solarize(nhcw, chosen), 0.0, 1.0)

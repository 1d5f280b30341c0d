"""The image size of a run where nobody names one: by the images, and by the time there is."""

import math

# What the stages of a ResNet halve evenly.
SIZES = (32, 48, 64, 96, 128)
# The largest where no time is given. A step costs up to as much more as the square of the side: on two cores, 64 images
# and resnet8x2, 0.29 s at 64 px, 0.48 s at 96 and 0.94 s at 128. Smaller than 64 is hardly cheaper, 0.15 s at 32 and
# 0.29 s at 48, because from 64 on the stem quarters the image.
WITHOUT_TIME = 64
# The updates that a larger size must be left with. Imagenette's 20 epochs have 2,940; after them 96 px is better than
# 64 px (linear probe 65.0 and 60.1 % without the coding-rate term).
ENOUGH_UPDATES = 3000


def fitting_size(side: float, updates: float = 0) -> int:
    """The image size for images of some size, and for the time there is.

    Never above the images' own size, beyond which there is nothing to see. Up to that, the largest of SIZES for which
    there is time: up to WITHOUT_TIME there always is, above it where ENOUGH_UPDATES are left. Images smaller than all
    of SIZES keep their own.

    Args:
        side: of the images, pixels, at least 1; see `data.images.shorter_side`.
        updates: for which there is time at the size that this function gives without them; 0 where no time is given.

    Returns:
        int, pixels.
    """
    sizes = [size for size in SIZES if size <= side] or [int(side)]
    first = max(size for size in sizes if size <= WITHOUT_TIME)
    return max(size for size in sizes if size <= first or updates * (first / size) ** 2 >= ENOUGH_UPDATES)


def describe_size(size: int, side: float, timed: bool = False) -> str:
    """One line that says which size was chosen, and why.

    Args:
        size: what `fitting_size` gave.
        side: as for it.
        timed: whether it was given the updates there is time for.
    """
    why = f"for images whose shorter side is {side:g} px (median)"
    if size < fitting_size(side, math.inf):
        why += ", as larger ones leave too few steps" if timed else ", the largest without a time limit"
    return f"Image size: {size} px, {why}; `image_size` sets another."

"""What `byol-keras views` does."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from ..data import open_source
from ..data.channels import fitting_channels
from ..data.grids import view_grid
from ..data.images import shorter_side
from ..data.recordings import HIGHEST_RATE
from ..data.view_memory import require_view_memory
from ..errors import InputError
from ..runs.audio_recipe import AudioRecipe
from ..runs.build import as_recipe_takes, build_views
from ..runs.image_size import describe_size, fitting_size
from ..runs.recipe_fields import TrainingRecipe
from ..utils.atomic import atomic_path, check_writable
from ..utils.seeds import check_seed


def draw_views(
    data: str,
    recipes: Sequence[TrainingRecipe],
    out: str | os.PathLike,
    seed: int = 0,
    auto_size: bool = False,
    value_range: Sequence[float] | None = None,
    channels: int | None = None,
) -> None:
    """Draws some images of `data`, and two views of each by each recipe, as the network will see them.

    Args:
        data: see `data.open_source`.
        recipes: decide on the views; of one kind and one image size, one at least.
        out: a .png, or another kind of image.
        seed: of the views.
        auto_size: choose the image size, in place of the recipe's, by the images: as `pretrain` without a `budget`.
        value_range: as for `open_source`.
        channels: of images, as which they are read; None for those that they are stored in.

    Raises:
        InputError: for a mistake in any of them; in `out`, or a size that does not fit into memory, before `data` is
            opened.
    """
    suffix = Path(out).suffix.lower()
    if Image.registered_extensions().get(suffix) not in Image.SAVE:
        raise InputError(f"`out` must end in .png, .jpg or another kind of image. Received: out={out}")
    check_seed(seed)
    check_writable(out)
    if isinstance(recipes[0], AudioRecipe):
        source = open_source(data, value_range=value_range)
        rate = recipes[0].sample_rate or source.sample_rate or HIGHEST_RATE
        source = as_recipe_takes(source, replace(recipes[0], sample_rate=rate), channels=1)
        _save(view_grid(source, *map(build_views, recipes), seed=seed), out)
        return
    if not auto_size:
        require_view_memory(recipes[0].image_size, 1)
    source = open_source(data, value_range=value_range)
    source = as_recipe_takes(source, recipes[0], channels or fitting_channels(source))
    if auto_size:
        side = shorter_side(source)
        size = fitting_size(side)
        recipes = [replace(recipe, image_size=size) for recipe in recipes]
        print(describe_size(size, side), flush=True)
    _save(view_grid(source, *map(build_views, recipes), seed=seed), out)


def _save(image, out):
    with atomic_path(out) as temporary:
        try:
            image.save(temporary)
        except (ValueError, OSError) as error:  # A kind that Pillow writes, but not of colors.
            if getattr(error, "errno", None) is not None:
                raise
            raise InputError(
                f"`out` must end in .png, .jpg or another kind of image: {error}. Received: out={out}"
            ) from error

"""What `byol-keras views` does."""

import os
from pathlib import Path

from PIL import Image

from ..data import open_source
from ..data.grids import view_grid
from ..data.view_memory import require_view_memory
from ..errors import InputError
from ..runs.build import build_views
from ..runs.recipe import Recipe
from ..utils.atomic import atomic_path, check_writable


def draw_views(data: str, recipe: Recipe, out: str | os.PathLike, seed: int = 0) -> None:
    """Draws some images of `data`, and two views of each, as the network will see them.

    Args:
        data: see `data.open_source`.
        recipe: decides on the views.
        out: a .png, or another kind of image.
        seed: of the views.

    Raises:
        InputError: for a mistake in any of them; in `out`, or a size that does not fit into memory, before `data` is
            opened.
    """
    suffix = Path(out).suffix.lower()
    if Image.registered_extensions().get(suffix) not in Image.SAVE:
        raise InputError(f"`out` must end in .png, .jpg or another kind of image. Received: out={out}")
    check_writable(out)
    require_view_memory(recipe.image_size, 1)
    image = view_grid(open_source(data), build_views(recipe), seed=seed)
    with atomic_path(out) as temporary:
        try:
            image.save(temporary)
        except ValueError as error:  # A kind that Pillow writes, but not of colors.
            raise InputError(
                f"`out` must end in .png, .jpg or another kind of image: {error}. Received: out={out}"
            ) from error

"""The views for kinds of images, as what they change of a recipe."""

from ..errors import InputError

# Fields of `Recipe` by the kind of image. Only what made a measured difference: benchmarks/RESULTS.md, "Views for kinds
# of images".
VIEW_PRESETS = {
    # The recipe's own views.
    "photos": {},
    # All images show one thing at one place: small crops would show a forehead and a chin, which nothing connects.
    "faces": {"crop_area": 0.5},
}


def view_fields(name: str) -> dict[str, float]:
    """What the views called `name` change of a recipe: field -> value.

    Raises:
        InputError: for an unknown name.

    Example:
        recipe = dataclasses.replace(bk.recipes.short(), **bk.recipes.view_fields("faces"))
    """
    if name not in VIEW_PRESETS:
        raise InputError(f"Views are for {', '.join(VIEW_PRESETS)}. Received: views={name!r}")
    return dict(VIEW_PRESETS[name])

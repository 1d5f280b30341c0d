"""Single files as a source."""

from .images import ImageSource
from .validate import MEMORY_BUDGET, check_each


def from_files(paths, names, where, memory_budget=MEMORY_BUDGET):
    """The images in some files, without labels; those that cannot be decoded are left out.

    Args:
        paths: N absolute paths.
        names: N texts.
        where: text that names them all while they are checked.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        ImageSource, or None where not one can be decoded, and a tuple of (name, reason) for each that was left out.
    """
    checked = check_each(paths, names, where, memory_budget)
    if not len(checked.kept):
        return None, checked.broken
    source = ImageSource(
        names=tuple(names[i] for i in checked.kept),
        sizes=checked.sizes,
        images=checked.images,
        paths=tuple(paths[i] for i in checked.kept),
        jpeg=checked.jpeg,
        broken=checked.broken,
    )
    return source, checked.broken

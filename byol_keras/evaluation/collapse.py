"""Signs that an encoder has no use: embeddings that are not numbers, and one embedding for images that differ."""

import numpy as np

from ..data.eval_pipeline import ordered_batches
from ..data.images import ImageSource, evenly
from ..errors import InputError
from ..utils.printable import printable
from ..utils.progress import print_beside

# Looked at; a collapsed encoder shows in any few.
SAMPLE = 256
# Of one embedding, whose pixels are compared.
COMPARED = 32
# Embeddings are the same when they differ by less than rounding does, as a share of their largest number.
ROUNDING = 1e-5
# Images are others when their pixels differ by this on average, as a share of white: re-encoded copies differ by less.
DIFFERENT = 0.02
# So many different images of one embedding no encoder gives that has learned anything, or nothing yet.
FEW = 3


def check_embeddings(embeddings: np.ndarray, source: ImageSource, size: int | tuple[int, int]) -> None:
    """Refuses embeddings that are not finite, and warns on standard error of one embedding for different images.

    Copies of one image, exact or nearly, have one embedding and are no sign: the pixels decide.

    Args:
        embeddings: (N, D) float32.
        source: `ImageSource`, the N images.
        size: pixels, height and width of the images as the encoder sees them; or both, of recordings.

    Raises:
        InputError: naming the first image whose embedding is not finite.
    """
    check_finite_embeddings(embeddings, source)
    alike = _most_alike(embeddings)
    if len(alike) > FEW:
        different = _different(source.subset(alike[evenly(len(alike), COMPARED)]), size)
        if different > FEW:
            first, last = (printable(source.names[alike[i]]) for i in (0, -1))
            print_beside(
                f"Warning: at least {different} different images have the same embedding, {first} and {last} among "
                "them: the encoder has probably collapsed, and tells images apart badly or not at all."
            )


def check_finite_embeddings(embeddings: np.ndarray, source: ImageSource) -> None:
    """The refusal of `check_embeddings` alone: (N, D) float32 of N images."""
    finite = np.isfinite(embeddings).all(axis=1)
    if not finite.all():
        first = printable(source.names[int(np.argmin(finite))])
        raise InputError(
            f"The embeddings of {np.count_nonzero(~finite):,} of {len(source):,} images are NaN or infinite, the first "
            f"that of {first}: the encoder has diverged. Take another one, or train again."
        )


def _most_alike(embeddings):
    """Indices of the most common embedding among some of them, (n,) int."""
    sample = evenly(len(embeddings), SAMPLE)
    rows = embeddings[sample]
    tolerance = ROUNDING * np.abs(rows).max(axis=1)
    alike = [np.abs(rows - row).max(axis=1) <= limit for row, limit in zip(rows, tolerance, strict=True)]
    return sample[max(alike, key=np.count_nonzero)]


def _different(source, size):
    """How many images there are of which each differs clearly from all others."""
    kept = []
    for batch in ordered_batches(source, size):
        for image in np.asarray(batch):
            if all(np.abs(image - other).mean() > DIFFERENT for other in kept):
                kept.append(image)
    return len(kept)

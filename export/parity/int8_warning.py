"""A word from `tflite` where int8 takes from an encoder what tells images apart.

A ResNet loses little. EfficientNetB0 of keras.applications was seen at a cosine of 0.86, where "dynamic" has 0.99.
"""

import warnings
from pathlib import Path

import keras
import numpy as np

from byol_keras.errors import first_line
from byol_keras.utils.extras import has_extra

from ..encoder import encode
from .tolerance import TOLERANCE, centered_cosine, tells_apart

IMAGES = 32
FAR = "tflite: in int8 the embeddings are far from Keras'"  # begins the warning


def warn_if_far(path: Path, encoder: keras.Model, samples: np.ndarray) -> None:
    """Warns if a file in int8 does not run, or would not pass `check_parity` on the images it was calibrated with.

    Says nothing where ai-edge-litert is not installed, or where the encoder gives all images the same embedding.

    Args:
        path: of the file, which gives embeddings.
        encoder: in float32, that it was made of.
        samples: (N, H, W, C) float32 in [0, 1], of the encoder's size.
    """
    if not has_extra("ai_edge_litert"):
        return
    from ..device.byol_device import DeviceError, Encoder  # needs it

    images = samples[:: -(-len(samples) // IMAGES)]
    reference = encode(encoder, images).numpy()
    if not tells_apart(reference):
        return
    try:
        embeddings = Encoder(path).run(images)
    except (DeviceError, RuntimeError, ValueError) as error:
        warnings.warn(
            f'tflite: LiteRT does not run {path}: {first_line(error)}. Take quantize="dynamic". '
            f"Received: encoder={encoder.name}",
            stacklevel=3,
        )
        return
    cosine = centered_cosine(embeddings, reference)
    _, least = TOLERANCE["tflite int8"]
    if not cosine >= least:
        warnings.warn(
            f"{FAR}: their cosine, less the mean embedding, is {cosine:.3f} on the calibration images, where "
            f'{least} is required of such a file. Take quantize="dynamic", as small and closer, and look at both with '
            f"check_parity. Received: encoder={encoder.name}",
            stacklevel=3,
        )

"""A detector with all it takes to use it."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from ...data.images import ImageSource
from ...data.lost_files import naming_lost_files
from ...errors import InputError
from ...kernels import fast_layers
from ...models.keras_cv_backbone import normalized
from ...utils.progress import progress
from .letterbox import from_letterbox
from .pipeline import letterboxed_batches

BATCH = 16


@dataclass(frozen=True, eq=False)
class Detector:
    """A fine-tuned RetinaNet, see `finetune_detector`.

    Attributes:
        network: keras_cv.models.RetinaNet in float32, see `build_retinanet`.
        encoder: keras.Model whose normalization of images the network was trained with.
        letterbox: (height, width) that images are fitted into.
        class_names: C names.
        smallest_anchor: float, pixels of the letterbox.
    """

    network: keras.Model
    encoder: keras.Model
    letterbox: tuple[int, int]
    class_names: tuple[str, ...]
    smallest_anchor: float

    def normalize(self, images: tf.Tensor) -> tf.Tensor:
        """(B, H, W, 3) float32 in [0, 1] -> what the network takes."""
        return normalized(images, self.encoder)

    def detect(self, source: ImageSource) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Finds objects.

        Args:
            source: color `ImageSource`, N of any sizes, as `data.open_source` gives them.

        Returns:
            N tuples, at most 100 detections each, the surest first: boxes (n, 4) float32, left, top, right, bottom in
            pixels of the image; classes (n,) int64; scores (n,) float32 from 0.01 to 1.

        Raises:
            InputError: for gray images.

        Example:
            detections = detector.detect(bk.data.open_source("street"))
        """
        if source.channels != 3:
            raise InputError(f"A detector takes color images, of 3 channels. Received: {source.channels} channel")

        def decoded(images):
            found = self.network.decode_predictions(self.network({"images": images}, training=False), images)
            return found["boxes"], found["classes"], found["confidence"]

        with fast_layers(self.network):
            forward = tf.function(decoded, autograph=False)
            forward = forward.get_concrete_function(tf.TensorSpec((None, *self.letterbox, 3), tf.float32))
        batches = letterboxed_batches(source, self.letterbox, self.normalize, BATCH)
        found = []
        with naming_lost_files(source):
            for batch in progress(batches, -(-len(source) // BATCH), "Detecting"):
                for boxes, classes, scores in zip(*(part.numpy() for part in forward(batch)), strict=True):
                    real = classes >= 0  # the rest is padding
                    boxes = from_letterbox(boxes[real], source.sizes[len(found)], self.letterbox)
                    found.append((boxes, classes[real].astype(np.int64), scores[real]))
        return found

"""How far an exported file may be from Keras, and by which measure."""

import numpy as np

# By format: the statistic that decides, and its limit. Float formats differ from Keras by rounding only (seen: 1e-6;
# with float16 weights 1e-3), so their largest difference decides. Rounding to int8 moves single values by per cents and
# should leave what tells images apart, the offset from the mean embedding, so its cosine decides. The cosine of the
# embeddings themselves would not do: behind a ReLU it was seen above 0.99 between different images. Seen on trained
# ResNets: 0.999; on a deep one with random weights: dynamic 0.994, int8 0.96.
TOLERANCE = {
    "saved_model": ("largest", 1e-4),
    "tflite none": ("largest", 1e-4),
    "tflite float16": ("largest", 1e-2),
    "tflite dynamic": ("cosine", 0.98),
    "tflite int8": ("cosine", 0.95),
    "onnx": ("largest", 1e-4),
    "openvino": ("largest", 1e-4),
}


def centered_cosine(embedding: np.ndarray, reference: np.ndarray) -> float:
    """Mean cosine similarity of an image's two embeddings, the mean of `reference` subtracted from both.

    Args:
        embedding: (n, D) float, finite, of the first n images.
        reference: (N, D) float, finite, not all rows equal.
    """
    mean = reference.mean(axis=0)
    ours, theirs = embedding - mean, reference[: len(embedding)] - mean
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(np.mean((ours * theirs).sum(axis=1) / np.maximum(norms, np.finfo(np.float32).tiny)))


def tells_apart(reference: np.ndarray) -> bool:
    """Whether Keras' embeddings (N, D) are finite and differ by more than rounding does.

    One image's own embeddings may differ in their last bits by its place in the batch.
    """
    return bool(np.isfinite(reference).all() and np.ptp(reference, axis=0).max() > 1e-6 * np.abs(reference).max())

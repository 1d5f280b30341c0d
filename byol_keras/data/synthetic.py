"""Images for the demonstration, drawn from a seed: gray surfaces of ten kinds."""

import numpy as np

SIZE = 32
# Every pixel is the mean of OVERSAMPLING x OVERSAMPLING points, so that slanted edges are smooth.
OVERSAMPLING = 2


def synthetic_images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Draws `count` images of patterned surfaces, each kind as often as the others, in random order.

    Everything but the kind is random: the pattern's size, direction and place, which of its two grays is the darker and
    how far they are apart, shadows and noise. They are gray on purpose: random colors would be an easier mark of an
    image than its pattern, and training would learn those.

    Args:
        count: int, N.
        seed: int; the same count and seed give the same images.

    Returns:
        images: (N, 32, 32, 1) uint8.
        labels: (N,) int64, from 0 to 9.
        class_names: tuple of 10 str.

    Example:
        images, labels, class_names = bk.data.synthetic_images(1000, seed=0)
    """
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(count) % len(KINDS))
    images = np.empty((count, SIZE, SIZE, 1), np.uint8)
    for label, kind in enumerate(KINDS):
        chosen = np.flatnonzero(labels == label)
        images[chosen] = _lit(_pattern(kind, len(chosen), generator), generator)
    return images, labels, tuple(kind.__name__ for kind in KINDS)


# Each kind takes the generator and coordinates x and y, (n, P, P) float32, in which the pattern repeats about every 1,
# and gives (n, P, P) floats, 0 for one gray and 1 for the other.


def stripes(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _wave(x) < _uniform(generator, x, 0.3, 0.7)


def checks(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (_wave(x) < 0.5) ^ (_wave(y) < 0.5)


def dots(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.hypot(_wave(x), _wave(y)) < _uniform(generator, x, 0.5, 0.8)


def rings(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(np.hypot(_wave(x), _wave(y)) - 0.6) < _uniform(generator, x, 0.15, 0.3)


def bricks(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    shifted = x / 2 + np.floor(y) / 2
    joint = _uniform(generator, x, 0.1, 0.2)
    return (shifted % 1 > joint / 2) & (y % 1 > joint)


def waves(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    bent = y + _uniform(generator, x, 0.4, 0.6) * np.sin(0.7 * np.pi * x)
    return _wave(bent) < _uniform(generator, x, 0.3, 0.7)


def triangles(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x % 1 < y % 1


def weave(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    across = (np.floor(x) + np.floor(y)) % 2 == 0
    return np.where(across, _wave(2 * x), _wave(2 * y)) < 0.5


def crosses(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    arm = _uniform(generator, x, 0.15, 0.3)
    return (np.minimum(_wave(x), _wave(y)) < arm) & (np.maximum(_wave(x), _wave(y)) < 0.8)


def blobs(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # The sum of waves in many directions has no direction of its own and never repeats.
    total = np.zeros_like(x)
    for _ in range(12):
        angle, phase = _uniform(generator, x, 0, 2 * np.pi), _uniform(generator, x, 0, 2 * np.pi)
        total += np.cos(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) * _uniform(generator, x, 0.5, 1.0) + phase)
    return total > 0


KINDS = (stripes, checks, dots, rings, bricks, waves, triangles, weave, crosses, blobs)


def _pattern(kind, count, generator):
    """`count` patterns of one kind, (n, 32, 32) float32 from 0 to 1: sizes, directions and places at random."""
    points = np.arange(SIZE * OVERSAMPLING, dtype=np.float32) / OVERSAMPLING - SIZE / 2
    across, down = np.meshgrid(points, points)
    shape = (count, 1, 1)
    period = np.exp(generator.uniform(np.log(5), np.log(10), shape)).astype(np.float32)
    angle = generator.uniform(0, 2 * np.pi, shape).astype(np.float32)
    place_x, place_y = generator.uniform(0, 100, (2, *shape)).astype(np.float32)
    x = (across * np.cos(angle) - down * np.sin(angle)) / period + place_x
    y = (across * np.sin(angle) + down * np.cos(angle)) / period + place_y
    fine = kind(generator, x, y).astype(np.float32)
    return fine.reshape(count, SIZE, OVERSAMPLING, SIZE, OVERSAMPLING).mean(axis=(2, 4))


def _lit(patterns, generator):
    """Grays, shadows and noise: (n, 32, 32) from 0 to 1 -> (n, 32, 32, 1) uint8."""
    shape = (len(patterns), 1, 1)
    middle = generator.uniform(0.35, 0.65, shape)
    contrast = generator.uniform(0.35, 0.6, shape) * generator.choice([-1, 1], shape)
    # Shadows mislead an untrained network, and two crops of one image have different ones.
    place = np.linspace(-1, 1, SIZE)
    light = np.ones_like(patterns)
    for _ in range(3):
        across, down = generator.normal(0, 2, (2, *shape))
        light += 0.2 * np.cos(across * place + down * place[:, None] + generator.uniform(0, 2 * np.pi, shape))
    noise = generator.normal(0, 0.05, patterns.shape)
    gray = (middle + contrast * (patterns - 0.5)) * light + noise
    return np.round(255 * np.clip(gray, 0, 1)).astype(np.uint8)[..., None]


def _uniform(generator, x, low, high):
    """One random number for each image."""
    return generator.uniform(low, high, (len(x), 1, 1)).astype(np.float32)


def _wave(x):
    """0 at whole numbers, 1 half-way between them, linear in between."""
    return np.abs((x + 0.5) % 1 - 0.5) * 2

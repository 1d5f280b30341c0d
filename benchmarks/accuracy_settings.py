"""How the systems of the time-to-accuracy comparison train, and which of their settings was best on held-out images.

A setting is a dict, so that it can be given to a worker in another environment as JSON:

    optimizer: "adamw", "sgd" with a momentum of 0.9, or "short", that of the recipe of this name
    rate: of learning, at its peak
    weight_decay
    hidden_width: of projector and predictor
    batch
    tau: of the target, in the beginning
    crop_area: smallest share of an image in a view
    blur: whether views are blurred, as the library does it
"""

import math

PAPER = {
    "optimizer": "adamw",
    "rate": 1e-3,
    "weight_decay": 1e-6,
    "hidden_width": 4096,
    "batch": 64,
    "tau": 0.97,
    "crop_area": 0.08,
    "blur": True,
}
# What trials found for this package before it had a term and an optimizer of its own.
NARROW = {**PAPER, "rate": 2e-3, "weight_decay": 1e-4, "hidden_width": 1024, "crop_area": 0.2, "blur": False}
# As lightly's benchmark on CIFAR-10 trains BYOL, but for the batch, which is 512 there, and the rate that goes with it.
SGD = {**NARROW, "optimizer": "sgd", "rate": 0.03, "weight_decay": 5e-4}
PEERS = {"paper": PAPER, "narrow": NARROW, "SGD": SGD}

SETTINGS = {
    "byol_keras": {"short": {**NARROW, "optimizer": "short"}},
    "lightly": PEERS,
    "byol-pytorch": PEERS,
    "stable-pretraining": PEERS,
}
# Of these, by `--held-out`.
BEST = {"byol_keras": "short", "lightly": "SGD", "byol-pytorch": "SGD", "stable-pretraining": "SGD"}

WARMUP = 0.05  # of the time


def rate_at(share: float, peak: float) -> float:
    """The learning rate after a share of the time: up to its peak in a straight line, then down along a cosine."""
    if share < WARMUP:
        return peak * share / WARMUP
    return peak * (1 + math.cos(math.pi * min((share - WARMUP) / (1 - WARMUP), 1.0))) / 2


def tau_at(share: float, base: float) -> float:
    """The target's decay after a share of the time, from `base` to 1 along a cosine."""
    return 1 - (1 - base) * (1 + math.cos(math.pi * min(share, 1.0))) / 2

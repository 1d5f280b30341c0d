"""How long and how fast a detector is trained."""

from dataclasses import dataclass

from ...errors import InputError
from ...precision import dtype_policy


@dataclass(frozen=True)
class Schedule:
    """The same for every detector of a comparison.

    Attributes:
        epochs: int, passes over the images.
        batch_size: int, images in one update.
        learning_rate: float, of AdamW at its peak.
        precision: "auto", "float32" or "bfloat16", see `precision.dtype_policy`.

    Raises:
        InputError: for a value that cannot be.
    """

    epochs: int = 12
    batch_size: int = 8
    learning_rate: float = 1e-3
    precision: str = "auto"

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                flag = name.replace("_", "-")
                raise InputError(f"--{flag} must be a whole number from 1. Received: {name}={value!r}")
        if not 0 < self.learning_rate < 1:
            raise InputError(f"learning_rate must be above 0 and below 1. Received: learning_rate={self.learning_rate}")
        if dtype_policy(self.precision) == "mixed_float16":
            raise InputError("Detectors train in auto, float32 or bfloat16. Received: precision=float16")

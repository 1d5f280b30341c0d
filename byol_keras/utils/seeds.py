"""Seeds of random draws."""

from ..errors import InputError

# What NumPy's and Keras' generators take alike.
LARGEST = 2**32 - 1


def check_seed(seed: int, following: int = 0) -> None:
    """Raises InputError unless a seed, and so many that follow it, are from 0 to LARGEST."""
    if not 0 <= seed <= LARGEST - following:
        raise InputError(f"`seed` must be a whole number from 0 to {LARGEST - following}. Received: seed={seed}")

"""What the fields of a run's config.json may be: the file may come from anywhere."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

from ..errors import InputError


def check_run_fields(fields: Mapping[str, Any]) -> None:
    """Checks the values of a run's config but for its recipe, which checks its own.

    Args:
        fields: as they stand in the file; all those without a default are there.

    Raises:
        InputError: naming the first that cannot be.
    """
    channels = fields["channels"]
    _require(type(channels) is int and channels > 0, "channels", channels, "a whole number from 1")
    _require(_is_text(fields["data"]), "data", fields["data"], "the name of images")
    seed = fields["seed"]
    _require(type(seed) is int and 0 <= seed < 2**32, "seed", seed, f"a whole number from 0 to {2**32 - 1}")
    for name, low in (("mean", -math.inf), ("std", 0)):
        value = fields[name]
        right = isinstance(value, list) and len(value) == channels and all(_is_number(part, low) for part in value)
        _require(right, name, value, "a number for each channel" + (", above 0" if low == 0 else ""))
    exclude = fields.get("exclude", [])
    _require(isinstance(exclude, list) and all(map(_is_text, exclude)), "exclude", exclude, "a list of names")
    for name, words in (
        ("probe", "the name of images, or null"),
        ("start_from", "the name of a file, or null"),
        ("start_weights", "a fingerprint, or null"),
    ):
        value = fields.get(name)
        _require(value is None or _is_text(value), name, value, words)
    if (value_range := fields.get("value_range")) is not None:
        right = isinstance(value_range, list) and all(_is_number(end, -math.inf) for end in value_range)
        right = right and len(value_range) == 2 and value_range[0] < value_range[1]
        _require(right, "value_range", value_range, "two numbers, the lower one first, or null")
    count = fields.get("image_count")
    _require(
        count is None or (type(count) is int and count > 0), "image_count", count, "a whole number from 1, or null"
    )


def check_legs(legs: Any, epochs: float) -> None:
    """Checks the epochs at which a run's legs ended, as they stand in the file, see `Run`.

    Args:
        legs: a list, empty for a run that was not extended.
        epochs: of the run's recipe, which are the most.

    Raises:
        InputError: where they cannot be.
    """
    right = isinstance(legs, list) and all(_is_number(end, 0) for end in legs)
    right = right and all(low < high for low, high in itertools.pairwise(legs)) and (not legs or legs[-1] <= epochs)
    _require(right, "legs", legs, f"a list of epochs, each above the one before, the last at most {epochs:g}")


def _is_text(value):
    # No system has a file with a NUL in its name, or one that is no text in UTF-8.
    return isinstance(value, str) and "\0" not in value and value == value.encode(errors="replace").decode()


def _is_number(value, low):
    return type(value) in (int, float) and math.isfinite(value) and value > low


def _require(right, name, value, words):
    if not right:
        raise InputError(f"`{name}` must be {words}. Received: {name}={value!r:.80}")

"""What is quoted of another library's error."""

import pytest

from byol_keras.errors import first_line


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("Shapes differ.\nFull trace below:\n..."), "Shapes differ."),
        (OSError("\n  No such layer: a \n"), "No such layer: a"),
        (TypeError(), "TypeError"),
        (ValueError(" \n"), "ValueError"),
    ],
)
def test_the_first_line_is_quoted_and_never_nothing(error, expected):
    assert first_line(error) == expected

import pytest

from byol_keras.utils.printable import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain name.png", "plain name.png"),
        ("猫 é e\u0301 👩‍👧 'quote\" back\\slash", "猫 é e\u0301 👩‍👧 'quote\" back\\slash"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("\x00\x7f\x85\x9b", r"\x00\x7f\x85\x9b"),
        ("a\u202egpj.exe\u2066", r"a\u202egpj.exe\u2066"),
        ("\u2028\u2029\u200f\u061c", r"\u2028\u2029\u200f\u061c"),
        ("caf\udce9", r"caf\xe9"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_becomes_of_a_name(text, expected):
    assert printable(text) == expected
    assert printable(text).encode()

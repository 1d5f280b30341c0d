"""File names that are safe to print."""

import unicodedata

# Marks that turn the direction of the text after them: behind one, `gpj.exe` reads `exe.jpg`.
_TURNING = {"\u061c", *map(chr, [*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])}
# Controls of ASCII and Latin-1, line and paragraph separators, and what is left of bytes that are not UTF-8.
_UNSEEN = ("Cc", "Zl", "Zp", "Cs")


def printable(text: object) -> str:
    r"""A text on one line that changes nothing on a terminal but where it stands.

    A file name may hold whatever bytes somebody chose: a line break, the codes that color, clear or retitle a
    terminal, marks that reverse the reading direction. Each becomes its escape as Python writes it, `\n` or `\x1b`; a
    byte that is not UTF-8 becomes `\xe9`. Letters of every script, spaces, quotes and emoji stay.

    Args:
        text: what to print, such as a path; taken as `str` gives it.

    Returns:
        str.
    """
    return "".join(_escaped(c) if c in _TURNING or unicodedata.category(c) in _UNSEEN else c for c in str(text))


def _escaped(character):
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()

"""The scans of a JPEG: passes over all of its pixels.

A progressive JPEG has about ten. Each costs a decoder a pass over all the pixels that the header claims, and the file
eleven bytes, so that a megabyte can keep one busy for half an hour.
"""

import re
from typing import BinaryIO

MAX_SCANS = 100  # ten times as many as encoders write; a second or two at the largest size

_START_OF_SCAN, _END = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
# In a scan's data 0xFF is followed by 0, by the number of a restart, or by a marker's fill bytes.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_BLOCK = 1024**2


def has_too_many_scans(file: BinaryIO) -> bool:
    """Whether a JPEG has more than MAX_SCANS scans; leaves the file at its beginning.

    Args:
        file: opened to read in binary.
    """
    # What looks like the beginning of a scan may be metadata. It is looked at closely only where there is much of it.
    found, last = 0, b""
    file.seek(0)
    while block := file.read(_BLOCK):
        found += (last + block).count(b"\xff\xda")
        last = block[-1:]
    file.seek(0)
    if found <= MAX_SCANS:
        return False
    data = file.read()
    file.seek(0)
    return _scans(data) > MAX_SCANS


def _scans(data):
    """How many scans there are up to the end of the image, or a few more than MAX_SCANS."""
    place, count = 2, 0
    while count <= MAX_SCANS and (place := data.find(b"\xff", place)) >= 0 and place + 4 <= len(data):
        kind = data[place + 1]
        if kind == _END:
            break
        if kind in (0x00, 0xFF) or kind in _ALONE:
            place += 1 if kind == 0xFF else 2
            continue
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if kind == _START_OF_SCAN:
            count += 1
            following = _AFTER_SCAN.search(data, place)
            place = following.start() if following else len(data)
    return count

"""The EXIF orientation of encoded images, in a graph: a bounded number of operations, none of which fails.

EXIF 2.32: a TIFF header (byte order, the place of the first directory), the directory (a count, then entries of twelve
bytes: tag, type, count, value). A JPEG has it in an APP1 segment, a PNG in its chunk eXIf.
"""

import tensorflow as tf

from byol_keras.augment.upright import UPRIGHT

MAX_PARTS = 100  # segments or chunks that are looked at; files have about ten before their pixels

_TAG = 0x0112
_SHORT_TYPES, _LONG_TYPES = [3, 8], [4, 9]  # with a sign and without


def exif_orientation(encoded: tf.Tensor, jpeg: tf.Tensor) -> tf.Tensor:
    """How an image is stored.

    What Pillow's `ImageOps.exif_transpose` goes by, but for what hardly a camera writes: in a JPEG the XMP data and a
    second EXIF segment, in a PNG the XMP data, text called "Raw profile type exif" and a chunk behind the pixels.

    Args:
        encoded: () string, a JPEG or a PNG, whole or not.
        jpeg: () bool, which of them.

    Returns:
        () int32, 1 (upright) to 8.
    """
    place, length = tf.cond(jpeg, lambda: _walk(encoded, 2, _segment), lambda: _walk(encoded, 8, _chunk))
    return tf.cond(length > 0, lambda: _orientation(_bytes(encoded, place, length)), lambda: tf.constant(UPRIGHT))


def _walk(encoded, start, step):
    """Where the TIFF data lie, and how many bytes; length 0 where there are none.

    `step` is a function of the next ten bytes -> by how much to go on (0: no further), and from where in them the TIFF
    data begin and how long they are (0: these are not they).
    """
    end = tf.strings.length(encoded)

    def more(place, found, length, steps):
        return (steps < MAX_PARTS) & (place < end) & (length == 0)

    def body(place, found, length, steps):
        ahead, offset, length = step(_numbers(encoded, place, 10))
        # A length may be anything: without this a sum could overflow.
        following = tf.where(ahead > 0, tf.minimum(place + tf.minimum(ahead, end), end), end)
        return following, place + offset, length, steps + 1

    zero = tf.constant(0)
    _, found, length, _ = tf.while_loop(more, body, (tf.constant(start), zero, zero, zero))
    return found, length


def _segment(head):
    """A JPEG's: 0xFF, a marker, the length of what follows with these two bytes themselves, "Exif", two zeros."""
    marker, length = head[1], 256 * head[2] + head[3]
    is_exif = _equal(head, [0xFF, 0xE1]) & _equal(head[4:], b"Exif\0\0")
    alone = (marker == 0x01) | ((marker >= 0xD0) & (marker <= 0xD8))
    ahead = tf.where(marker == 0xFF, 1, tf.where(alone, 2, 2 + tf.maximum(length, 2)))
    # The pixels begin with 0xDA; 0xD9 is the end.
    over = (head[0] != 0xFF) | (marker == 0xDA) | (marker == 0xD9)
    return tf.where(over, 0, ahead), 10, tf.where(is_exif, tf.maximum(length - 8, 0), 0)


def _chunk(head):
    """A PNG's: its length in four bytes, its name, the data, a checksum of four bytes."""
    # A chunk of more than 2^24 bytes holds nothing that is looked for here.
    length = tf.where(head[0] > 0, 0, 65536 * head[1] + 256 * head[2] + head[3])
    over = (head[0] > 0) | _equal(head[4:], b"IDAT") | _equal(head[4:], b"IEND")
    return tf.where(over, 0, 12 + length), 8, tf.where(_equal(head[4:], b"eXIf"), length, 0)


def _orientation(tiff):
    """By the first entry of the first directory that has the tag; of several values by the first, as Pillow does."""
    little = tf.equal(_bytes(tiff, 0, 2), b"II")
    magic = _numbers(tiff, 2, 2)
    known = (little | tf.equal(_bytes(tiff, 0, 2), b"MM")) & (_equal(magic, [42, 0]) | _equal(magic, [0, 42]))
    end = tf.strings.length(tiff)

    def number(digits):
        """Numbers (...,) of bytes (..., n)."""
        digits = tf.cast(tf.where(little, digits, tf.reverse(digits, [-1])), tf.int64)
        return tf.reduce_sum(digits * tf.constant([256**i for i in range(digits.shape[-1])], tf.int64), axis=-1)

    # Beyond the end there is nothing.
    directory = tf.cast(tf.minimum(number(_numbers(tiff, 4, 4)), tf.cast(end, tf.int64)), tf.int32)
    said = tf.cast(number(_numbers(tiff, directory, 2)), tf.int32)
    count = tf.clip_by_value((end - directory - 2) // 12, 0, said)
    entries = tf.reshape(_numbers(tiff, directory + 2, 12 * count), [-1, 12])
    kind, values = number(entries[:, 2:4]), number(entries[:, 4:8])
    short = _any_of(kind, _SHORT_TYPES)
    value = tf.where(short, number(entries[:, 8:10]), number(entries[:, 8:12]))
    # More values would stand elsewhere.
    inside = (short & (values <= 2)) | (_any_of(kind, _LONG_TYPES) & (values == 1))
    fits = inside & (values >= 1) & (value >= 1) & (value <= 8)
    # One upright entry behind them all, so that there is a first one.
    tagged = tf.boolean_mask(tf.where(fits, value, UPRIGHT), number(entries[:, :2]) == _TAG)
    first = tf.concat([tagged, [tf.constant(UPRIGHT, tf.int64)]], axis=0)[0]
    return tf.where(known, tf.cast(first, tf.int32), UPRIGHT)


def _any_of(numbers, chosen):
    return tf.reduce_any(numbers[:, None] == tf.constant(chosen, tf.int64), axis=1)


def _equal(head, expected):
    return tf.reduce_all(head[: len(expected)] == list(expected))


def _bytes(string, place, count):
    """The bytes from a place on, fewer where the string ends before."""
    return tf.strings.substr(string, tf.minimum(place, tf.strings.length(string)), count)


def _numbers(string, place, count):
    """The bytes from a place on as numbers, zeros where the string ends before: (count,) int32."""
    known = tf.get_static_value(count)
    found = tf.cast(tf.io.decode_raw(_bytes(string, place, count), tf.uint8), tf.int32)
    return tf.ensure_shape(tf.pad(found, [[0, count - tf.size(found)]]), [known])

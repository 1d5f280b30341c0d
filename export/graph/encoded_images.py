"""Encoded images to images of an encoder's size, inside a graph, where each one succeeds or fails by itself."""

import tensorflow as tf

from byol_keras.augment.crop import cut, resize
from byol_keras.augment.upright import square_box, upright

from .exif import exif_orientation

# As in training, see data/jpeg_scans.py: each scan is a pass over all pixels, and costs the file eleven bytes.
MAX_SCANS = 100
MAX_SEGMENTS = 2000  # that are looked at; an ICC profile, the largest of what files have, takes up to 255

_PNG = b"\x89PNG\r\n\x1a\n"


def decoded(
    image_bytes: tf.Tensor, size: int, channels: int, max_pixels: int, strict: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Images of their files, cropped and resized as in evaluation, one after the other.

    As `data.decode` does it: JPEG by the exact transform, of 16 bits the high byte is used, what is transparent is
    blended with white, EXIF orientation is applied. CMYK is the one exception: TensorFlow cannot decode it.

    The size of an image is read from its header before anything is decoded. Of a decoded one only the central square
    is copied, still in bytes, and resized. So a call holds one image at a time, at 3 bytes a pixel (PNG: 4 or 5, with
    transparency or made gray up to 13), and what the decoder itself needs: up to 6 for a progressive JPEG.

    Args:
        image_bytes: (B,) strings.
        size, channels: of the images wanted.
        max_pixels: height times width of the largest image that is decoded.
        strict: whether one that cannot be decoded fails the call; the message has its index.

    Returns:
        images: (B, size, size, channels) float32 in [0, 1]; black where they are not valid.
        valid: (B,) bool, False where the string is neither JPEG nor PNG, is damaged or cut short, or is an image of
            more than `max_pixels` or of more than MAX_SCANS scans.
    """
    image_bytes = tf.ensure_shape(image_bytes, (None,))
    count = tf.shape(image_bytes)[0]

    def one(position: tf.Tensor, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        square, orientation = _square(position, encoded, channels, max_pixels)
        return position, upright(resize(square, size), orientation)

    # An operation that fails fails its whole graph, but for the elements of a data set.
    images = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes)).map(one)
    if not strict:
        images = images.ignore_errors()
    # One element more, so that there is always a batch.
    last = tf.data.Dataset.from_tensors((count, tf.zeros((size, size, channels))))
    batch = images.concatenate(last).batch(tf.cast(count + 1, tf.int64)).with_options(_plain())
    positions, found = batch.get_single_element()
    found = tf.ensure_shape(found, (None, size, size, channels))
    shape = [count + 1, size, size, channels]
    valid = tf.scatter_nd(positions[:, None], tf.ones_like(positions), [count + 1]) > 0
    return tf.scatter_nd(positions[:, None], found, shape)[:count], valid[:count]


def _plain():
    """Options of a data set that is read once: rewriting and tuning it at each call would cost more than they gain."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    return options


def _square(position, encoded, channels, max_pixels):
    """The central square of an encoded image as it is stored, (s, s, channels) uint8, and its orientation."""
    jpeg = tf.io.is_jpeg(encoded)
    # The size of a PNG is looked for where it has to be. With another chunk before it, it would be another one's.
    png = tf.equal(tf.strings.substr(encoded, 0, 8), _PNG) & tf.equal(_bytes(encoded, 12, 4), b"IHDR")
    length = tf.strings.length(encoded)
    encoded = _checked(
        jpeg | png, encoded, ["image_bytes: neither JPEG nor PNG. Received: index", position, "bytes", length]
    )
    height, width = tf.cond(jpeg, lambda: _jpeg_size(encoded), lambda: _png_size(encoded))
    encoded = _checked(
        height * width <= max_pixels,
        encoded,
        [f"image_bytes: more than {max_pixels} pixels: make it smaller. Received: index", position, height, width],
    )
    encoded = _checked(
        tf.cond(jpeg, lambda: _scans(encoded) <= MAX_SCANS, lambda: tf.constant(True)),
        encoded,
        [f"image_bytes: a JPEG of more than {MAX_SCANS} scans. Received: index", position, "bytes", length],
    )
    orientation = exif_orientation(encoded, jpeg)
    square = tf.cond(
        jpeg,
        lambda: _square_of_jpeg(encoded, channels, orientation),
        lambda: _square_of_png(encoded, channels, orientation),
    )
    return tf.ensure_shape(square, (None, None, channels)), orientation


def _checked(condition, encoded, message):
    with tf.control_dependencies([tf.debugging.Assert(condition, message)]):
        return tf.identity(encoded)


def _bytes(encoded, place, count):
    """The bytes of a string from a place on, fewer where it ends before: string."""
    return tf.strings.substr(encoded, tf.minimum(place, tf.strings.length(encoded)), count)


def _jpeg_size(encoded):
    # Where the header cannot be read this fails, as decoding would.
    shape = tf.io.extract_jpeg_shape(encoded, tf.int64)
    return shape[0], shape[1]


def _png_size(encoded):
    width_height = tf.io.decode_raw(_bytes(encoded, 16, 8) + bytes(8), tf.int32, little_endian=False)
    # Numbers of 32 bits without a sign.
    width_height = tf.cast(tf.bitcast(width_height, tf.uint32), tf.int64)
    return width_height[1], width_height[0]


def _scans(encoded):
    """How many scans a JPEG has, or a few more where that is not above MAX_SCANS anyway: () int64."""
    data = tf.io.decode_raw(encoded, tf.uint8)
    found = tf.math.count_nonzero((data[:-1] == 0xFF) & (data[1:] == 0xDA))
    # Metadata, and what lies behind the image, such as the video of a motion photo, have them by chance.
    return tf.cond(found > MAX_SCANS, lambda: _scans_of_segments(data), lambda: found)


def _scans_of_segments(data):
    """Those up to the image's end, as data/jpeg_scans.py counts them; too many where there are too many segments."""
    # 0xFF and one of these is no marker, or one without a length: data, fill bytes, restarts.
    code = data[1:]
    passed = (code <= 0x01) | (code == 0xFF) | ((code >= 0xD0) & (code <= 0xD8))
    length = tf.size(data, tf.int64)
    # The end behind them all, so that there is a next one.
    markers = tf.concat([tf.where((data[:-1] == 0xFF) & ~passed)[:, 0], [length]], axis=0)

    def more(place, scans, steps):
        return (place < length) & (scans <= MAX_SCANS) & (steps < MAX_SEGMENTS)

    def body(place, scans, steps):
        marker = markers[tf.searchsorted(markers, [place])[0]]
        head = tf.cast(tf.gather(data, tf.minimum(marker + tf.range(4, dtype=tf.int64), length - 1)), tf.int64)
        over = (marker + 4 > length) | (head[1] == 0xD9)
        following = tf.where(over, length, tf.minimum(marker + 2 + 256 * head[2] + head[3], length))
        return following, scans + tf.cast(~over & (head[1] == 0xDA), tf.int64), steps + 1

    start, zero = tf.constant(2, tf.int64), tf.constant(0, tf.int64)
    place, scans, _ = tf.while_loop(more, body, (start, zero, zero))
    return tf.where(place < length, tf.constant(MAX_SCANS + 1, tf.int64), scans)


def _square_of_jpeg(encoded, channels, orientation):
    image = tf.io.decode_jpeg(encoded, channels=channels, dct_method="INTEGER_ACCURATE")
    return cut(image, square_box(image, orientation))


def _square_of_png(encoded, channels, orientation):
    """What is transparent is blended with white and rounded as `data.rgb.to_rgb` does."""
    with_alpha = tf.io.decode_png(encoded, channels=4)
    with tf.control_dependencies([with_alpha]):  # which says best what is wrong with a file cut short
        depth = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 24, 1), tf.uint8)[0], tf.int32)
    # To a PNG without alpha TensorFlow adds the largest number of its bits, also where the color becomes 8 of them.
    opaque = tf.cast(tf.bitwise.left_shift(1, tf.minimum(depth, 8)) - 1, tf.uint8)
    is_opaque = tf.reduce_all(with_alpha[..., 3] == opaque)
    square = cut(with_alpha, square_box(with_alpha, orientation))

    def blended():
        # All of it fits into 16 bits: 255 * 255 + 127.
        wide_color, wide_alpha = tf.cast(square[..., :3], tf.uint16), tf.cast(square[..., 3:], tf.uint16)
        weighted = wide_color * wide_alpha + 255 * (255 - wide_alpha)
        return tf.cast((weighted + 127) // 255, tf.uint8)

    color = tf.cond(is_opaque, lambda: square[..., :3], blended)
    return color if channels == 3 else _luma(color)


def _luma(color):
    """As Pillow rounds it in `data.rgb.luma`. The decoder's own gray goes by the gamma that a file may state."""
    red, green, blue = tf.split(color, 3, axis=-1)
    weighted = 19595 * tf.cast(red, tf.int32) + 38470 * tf.cast(green, tf.int32) + 7471 * tf.cast(blue, tf.int32)
    return tf.cast(tf.bitwise.right_shift(weighted + 32768, 16), tf.uint8)

"""What two views of a batch need of memory, at least."""

from ..utils.memory import require_memory


def two_view_bytes(image_size: int, batch_size: int, channels: int) -> int:
    """The bytes of a batch of two views, float32: a lower bound for whatever makes, draws or trains on them.

    Args:
        image_size: S, pixels.
        batch_size: B.
        channels: C.

    Returns:
        2 * B * S * S * C * 4.
    """
    return 2 * batch_size * image_size**2 * channels * 4


def require_view_memory(image_size: int, batch_size: int, channels: int = 1) -> None:
    """Refuses views that cannot fit into the memory there is: to be asked before a source is opened, which takes long.

    Args:
        image_size: S, pixels.
        batch_size: B.
        channels: C; 1 where it is not known yet.

    Raises:
        InputError: when they cannot.
    """
    require_memory(
        two_view_bytes(image_size, batch_size, channels),
        f"Two views of {batch_size:,} {'image' if batch_size == 1 else 'images'} at {image_size:,} px",
        f"give a smaller `image_size`{' or `batch_size`' if batch_size > 1 else ''}. Received: image_size={image_size}",
    )

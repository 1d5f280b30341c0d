"""The images of a labeling, read from its folder and from nowhere else."""

import errno
import io
import mimetypes
import os
import stat
from collections.abc import Sequence

from ....data.image_pixels import shown_image
from ....data.orientation import UPRIGHT
from ....data.rasters.raster_reading import RasterReading
from ....data.validate import check_at
from ....utils.html import pil_image

JPEG = b"\xff\xd8"


class ImageFiles:
    """N image files by their index.

    A link that was there from the beginning is followed, as it is when a folder is opened: `byol-keras split` makes
    folders of links. What has become a link to elsewhere since then is not, and what is no image any more is not given.

    Args:
        folder: path.
        names: N paths below it.
        reading: how the files are read, where they are rasters; or None.
    """

    def __init__(self, folder: str | os.PathLike, names: Sequence[str], reading: RasterReading | None = None):
        self._reading = reading
        self._root = os.path.realpath(folder)
        self._paths = [os.path.join(folder, name) for name in names]
        self._targets = [os.path.realpath(path) for path in self._paths]

    def read(self, index: int) -> tuple[bytes, str]:
        """One file, for a browser, which sets a JPEG upright by its EXIF orientation, and nothing else for sure.

        Args:
            index: int, 0 to N - 1.

        Returns:
            bytes, and the media type, such as "image/png". The bytes are those of the file, but for an image other than
            a JPEG that is stored turned or mirrored: of that, a PNG that is not; and for a raster, of which browsers
            know nothing: of that, a PNG of its first channels.

        Raises:
            OSError: when it has gone, is no file or no image, or has become a link that leads out of the folder.
        """
        path = os.path.realpath(self._paths[index])
        if path != self._targets[index] and os.path.commonpath([path, self._root]) != self._root:
            raise PermissionError(errno.EACCES, "This has become a link to outside of the folder.")
        # The real path has no links: one that is put there at this moment is not followed.
        with open(_open_without_links(path), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "This is no file any more.")
            data = file.read()
        found = check_at([data], 0, reading=self._reading)
        if found.reason is not None:
            raise OSError(errno.EINVAL, f"This is no image any more: {found.reason}")
        if self._reading is not None or (found.orientation != UPRIGHT and not data.startswith(JPEG)):
            drawn = io.BytesIO()
            pil_image(shown_image(data, self._reading)).save(drawn, "PNG")
            return drawn.getvalue(), "image/png"
        return data, mimetypes.guess_type(self._paths[index])[0] or "application/octet-stream"


def _open_without_links(path):
    """A descriptor of a file by a path in which no part may be a link; a pipe is not waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if os.open not in os.supports_dir_fd:  # Windows
        return os.open(path, flags)
    # Folder by folder: O_NOFOLLOW is about the last part of a path only. O_PATH asks for no permission to list.
    through = os.O_DIRECTORY | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
    *folders, name = os.path.normpath(path).split(os.sep)[1:]
    folder = os.open(os.sep, through)
    try:
        for part in folders:
            below = os.open(part, through, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(name, flags, dir_fd=folder)
    finally:
        os.close(folder)

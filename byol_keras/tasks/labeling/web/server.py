"""The labeling page's server: on this machine only, and only for its own page."""

import errno
import logging
import os
import secrets
import socket

import uvicorn

from ....data.rasters.raster_reading import RasterReading
from ....errors import InputError
from ..session import LabelingSession
from .app import label_app
from .guard import Guard

ADDRESS = "127.0.0.1"
HOSTS = (ADDRESS, "localhost")
PATIENCE = 5  # seconds for requests under way when the server is to end


class LabelingServer:
    """Serves the page, the images of a labeling by their index, and takes the answers; a context manager.

    Args:
        session: `LabelingSession`, whose names are paths below `folder`.
        folder: of the images.
        out: folder for the result, for which the page has a button.
        port: int, 0 for any that is free.
        reading: of images that are rasters, or None.

    Attributes:
        session: the same.
        url: str, the page's address.
        server_port: int.
        token: str, which the page's requests carry.

    Raises:
        InputError: when the port is in use or not allowed.
    """

    def __init__(
        self,
        session: LabelingSession,
        folder: str | os.PathLike,
        out: str | os.PathLike,
        port: int = 0,
        reading: RasterReading | None = None,
    ):
        self.session = session
        self.token = secrets.token_urlsafe(16)
        self._socket = _listening(port)
        self.server_port = self._socket.getsockname()[1]
        self.url = f"http://{ADDRESS}:{self.server_port}/"
        # A bug is shown, whatever else the process logs; a line for every image or browser that leaves would bury it.
        # Not by a log_config: logging.config closes the handlers of all others, and with absl's also sys.stderr.
        logger = logging.getLogger("uvicorn.error")
        logger.propagate = False
        logger.addHandler(logging.lastResort)
        app = Guard(label_app(session, folder, out, self.token, reading), HOSTS, self.url)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=PATIENCE,
            )
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._socket.close()

    def serve_forever(self) -> None:
        """Answers until `shutdown` is called from another thread, or until Ctrl-C, which raises KeyboardInterrupt."""
        self._server.run(sockets=[self._socket])

    def shutdown(self) -> None:
        """Makes `serve_forever` return once the requests under way are done."""
        self._server.should_exit = True


def _listening(port):
    listening = socket.socket()
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((ADDRESS, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is in use" if in_use else f"cannot be used ({error})"
        raise InputError(f"Port {port} {reason}: choose another, or 0 for any that is free.") from error
    return listening

"""The labeling page's server: on this machine only, and only for its own page."""

import errno
import hmac
import json
import mimetypes
import os
import secrets
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from ....errors import InputError
from ..predictions import write_result
from .page import SCRIPT, label_page
from .state import state

ADDRESS = "127.0.0.1"
# Names of this machine that no other site can take: a page from elsewhere whose name is made to lead here (DNS
# rebinding) sends its own name. The port may be another, as through an SSH tunnel.
HOSTS = (ADDRESS, "localhost")
MAX_BODY = 10_000
# Nothing from elsewhere, no frame around the page, no guessing of types.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class LabelingServer(ThreadingHTTPServer):
    """Serves the page, the images of the labeling by their index, and takes the answers.

    A request that changes something must carry the token that only the page has, so that no other page of the same
    browser can answer.

    Attributes:
        url: str, the page's address.
        token: str.
    """

    daemon_threads = True

    def __init__(self, labeling, folder, out, port=0):
        """Listens; `serve_forever` answers.

        Args:
            labeling: `LabelingSession`, whose names are paths below `folder`.
            folder: of the images.
            out: folder for the result, when it is asked for.
            port: int, 0 for any that is free.

        Raises:
            InputError: when the port is in use or not allowed.
        """
        self.labeling, self.folder, self.out = labeling, folder, out
        self.token = secrets.token_urlsafe(16)
        self.lock = threading.Lock()
        try:
            super().__init__((ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = "is in use" if in_use else f"cannot be used ({error})"
            raise InputError(f"Port {port} {reason}: choose another --port, or leave it out.") from error

    @property
    def url(self):
        return f"http://{ADDRESS}:{self.server_port}/"

    def handle_error(self, request, client_address):
        """A browser that leaves in the middle of an answer is no error; a bug is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A connection that a browser opened and never used ends at last.
    timeout = 60

    def do_GET(self):
        if not self._is_local():
            return
        path = urlsplit(self.path).path
        index = path.removeprefix("/image/")
        if path == "/":
            self._send(label_page(self.server.token).encode(), "text/html; charset=utf-8")
        elif path == "/page.js":
            self._send(SCRIPT.encode(), "text/javascript; charset=utf-8")
        elif path == "/favicon.ico":  # browsers ask for one
            self._send(b"", "image/x-icon")
        elif path == "/state":
            with self.server.lock:
                self._send_json(state(self.server.labeling))
        elif path != index and index.isascii() and index.isdigit() and int(index) < len(self.server.labeling.names):
            self._send_image(self.server.labeling.names[int(index)])
        else:
            self._fail(HTTPStatus.NOT_FOUND, f"Nothing is at {path}.")

    def do_POST(self):
        # Read in any case: what is left unread would be taken for the next request.
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= MAX_BODY):
            self.close_connection = True
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request has a length of at most {MAX_BODY} bytes.")
            return
        body = self.rfile.read(int(length))
        if not self._is_local():
            return
        if not hmac.compare_digest(self.headers.get("X-Token", "").encode(), self.server.token.encode()):
            self._fail(HTTPStatus.FORBIDDEN, "This page is not of the labeling that runs now: load it again.")
            return
        action = {"/answer": self._answer, "/undo": self._undo, "/write": self._write}.get(self.path)
        if action is None:
            self._fail(HTTPStatus.NOT_FOUND, f"Nothing is at {self.path}.")
            return
        try:
            with self.server.lock:
                self._send_json(action(body))
        except (InputError, OSError) as error:
            self._fail(HTTPStatus.CONFLICT, str(error))

    def _answer(self, body):
        try:
            answer = json.loads(body)
            index, label = answer["image"], answer["class"]
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"An answer is an image and a class. Received: {body[:100]!r}") from error
        if not isinstance(index, int) or not (label is None or isinstance(label, str)):
            raise InputError(f"An answer is the number of an image and the name of a class. Received: {body[:100]!r}")
        self.server.labeling.answer(index, label)
        return state(self.server.labeling)

    def _undo(self, body):
        self.server.labeling.undo()
        return state(self.server.labeling)

    def _write(self, body):
        paths = write_result(self.server.labeling, self.server.out)
        return {**state(self.server.labeling), "written": [str(path) for path in paths]}

    def _is_local(self):
        """Whether the browser asked this machine by a name that is its own; else the request has been refused."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host in HOSTS:
            return True
        self._fail(HTTPStatus.FORBIDDEN, f"This server is for {self.server.url} only.")
        return False

    def _send_image(self, name):
        try:
            with open(os.path.join(self.server.folder, name), "rb") as file:
                data = file.read()
        except OSError as error:
            self._fail(HTTPStatus.NOT_FOUND, f"{name}: {error.strerror}")
            return
        self._send(data, mimetypes.guess_type(name)[0] or "application/octet-stream")

    def _send_json(self, value):
        self._send(json.dumps(value).encode(), "application/json")

    def _fail(self, status, text):
        self._send(json.dumps({"error": text}).encode(), "application/json", status)

    def _send(self, data, kind, status=HTTPStatus.OK):
        self.send_response(status)
        for key, value in {**HEADERS, "Content-Type": kind, "Content-Length": len(data)}.items():
            self.send_header(key, value)
        # An answer changes everything; images keep their number only as long as the server runs.
        self.send_header("Cache-Control", "private, max-age=600" if kind.startswith("image/") else "no-store")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *values):
        """Says nothing: a line for every image would bury what matters."""

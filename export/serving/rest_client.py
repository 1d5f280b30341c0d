"""Ask TensorFlow Serving over REST about images. Needs nothing but Python; copy this file where it is wanted.

    python rest_client.py http://localhost:8501 encoder serve_bytes photo.jpg other.png

prints one line of JSON for each image. Signatures: serve_bytes, classify, neighbors. What this file has in common with
grpc_client.py stands in both, because each is copied alone.

Not with the usual libraries, whose timeouts begin anew with every byte: a server that sends one now and then would
hold a client for ever. Here the whole exchange has one deadline.
"""

import base64
import contextlib
import http.client
import json
import socket
import sys
import threading
import time
import urllib.parse
from pathlib import Path

MAX_BYTES = 256 << 20  # of an answer


class RestClient:
    """One model on one server. The connection is kept; every thread needs a client of its own.

    https:// is checked against the system's authorities, or those in the file that SSL_CERT_FILE names.

    Example:
        client = RestClient("http://localhost:8501", "encoder")
        client.call("serve_bytes", [Path("photo.jpg").read_bytes()])["embedding"]
    """

    def __init__(self, server: str, model: str, version: int | None = None, timeout: float = 30.0):
        """
        Args:
            server: "http://host:port", or https.
            model: the name it is served under.
            version: by default the highest.
            timeout: seconds in which the server must be reached, and again in which the whole answer must be there.

        Raises:
            RuntimeError: if `server` is no such address.
        """
        which = "" if version is None else f"/versions/{version}"
        self.url = f"{server.rstrip('/')}/v1/models/{urllib.parse.quote(model)}{which}"
        self.timeout = timeout
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        try:
            address = urllib.parse.urlsplit(self.url)
            self.connection = kinds[address.scheme](address.hostname or "", address.port, timeout=timeout)
        except (KeyError, ValueError, http.client.HTTPException) as error:
            raise RuntimeError(f"{server}: the server's address must be http://HOST:PORT") from error
        self.path = f"{address.path}:predict"

    def call(self, signature: str, images: list[bytes]) -> dict[str, list]:
        """What the model says of encoded images.

        Args:
            signature: "serve_bytes", "classify" or "neighbors".
            images: each a JPEG or PNG file.

        Returns:
            For each output, such as "embedding" or "labels", a list with a list for each image; for "valid" a list of
            bool. An image that is not valid could not be decoded or is too large: its other outputs are zeros or "".

        Raises:
            RuntimeError: in one line, with the server's message, if it refuses, cannot be reached, is late, redirects
                to another address, or answers with anything else.
        """
        strings = [{"b64": base64.b64encode(image).decode()} for image in images]
        body = json.dumps({"signature_name": signature, "inputs": {"image_bytes": strings}}).encode()
        try:
            response, content = self._exchange(body)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise RuntimeError(f"{self.url}: {_line(str(error)) or type(error).__name__}") from error
        return self._outputs(response, content, len(images))

    def _exchange(self, body):
        """The response and its content. A connection that the server has closed since the last call is made anew."""
        used = self.connection.sock is not None
        try:
            return self._exchange_once(body)
        except ConnectionError:
            if not used:
                raise
        return self._exchange_once(body)

    def _exchange_once(self, body):
        connection, late = self.connection, threading.Event()
        if connection.sock is None:
            try:
                connection.connect()
            except BaseException:
                connection.close()  # of a failed handshake a socket is left, without TLS
                raise
        # Kept here, for `connection` gives it away as soon as a response without end begins.
        sock, begun = connection.sock, time.monotonic()

        def give_up():
            late.set()
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

        timer = threading.Timer(self.timeout, give_up)
        timer.daemon = True
        timer.start()
        whole = False
        try:
            connection.request("POST", self.path, body, {"Content-Type": "application/json"})
            with connection.getresponse() as response:
                content = response.read(MAX_BYTES + 1)
                missing = response.length
            if len(content) > MAX_BYTES:
                raise http.client.HTTPException(f"the answer has more than {MAX_BYTES} bytes")
            if missing:
                raise http.client.HTTPException(f"the answer is cut short, {missing} bytes are missing")
            whole = not late.is_set()
        except (OSError, ValueError, http.client.HTTPException):
            if not late.is_set() and time.monotonic() - begun < self.timeout:
                raise
        finally:
            timer.cancel()
            if not whole:
                connection.close()
        if not whole:
            raise http.client.HTTPException(f"no whole answer within {self.timeout:g} seconds")
        return response, content

    def _outputs(self, response, content, count):
        """The `outputs` of an answer, which have a row for each of `count` images."""
        text = content.decode(errors="replace")
        if 300 <= response.status < 400:
            place = _line(response.headers.get("Location", "another address"))
            raise RuntimeError(
                f"{self.url}: redirects to {place}, which is not followed: give the server's own address"
            )
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if not 200 <= response.status < 300:
            said = answer.get("error") if isinstance(answer, dict) else None
            said = said if isinstance(said, str) else f"{response.status} {response.reason}: {text[:500]}"
            raise RuntimeError(f"{self.url}: {_line(said)}")
        outputs = answer.get("outputs") if isinstance(answer, dict) else None
        if not isinstance(outputs, dict) or not all(
            isinstance(rows, list) and len(rows) == count for rows in outputs.values()
        ):
            raise RuntimeError(f"{self.url}: answers without outputs for {count} images: {_line(text[:500])}")
        return outputs

    def close(self) -> None:
        self.connection.close()


def _line(text):
    """The beginning of a text of the server's on one line, without what moves a terminal's cursor."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else "?" for c in line)[:500]


def main(arguments: list[str]) -> None:
    if len(arguments) < 4:
        sys.exit("usage: python rest_client.py http://HOST:8501 MODEL SIGNATURE IMAGE...")
    server, model, signature, *paths = arguments
    try:
        with contextlib.closing(RestClient(server, model)) as client:
            outputs = client.call(signature, [Path(path).read_bytes() for path in paths])
    except (OSError, RuntimeError) as error:
        sys.exit(f"rest_client: {error}")
    for i, path in enumerate(paths):
        print(json.dumps({"image": path, **{name: value[i] for name, value in outputs.items()}}, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])

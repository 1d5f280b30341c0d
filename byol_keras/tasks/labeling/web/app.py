"""What the labeling page's server answers, and to whom: the page, the images, and what a user says of them."""

import hmac
import json
import os
import threading
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ....data.rasters.raster_reading import RasterReading
from ....errors import InputError
from ..predictions import write_predictions
from ..session import LabelingSession
from .image_files import ImageFiles
from .page import SCRIPT, label_page
from .state import label_state

MAX_BODY = 10_000  # bytes
MAX_DIGITS = 9  # of the number of an image


def label_app(
    session: LabelingSession,
    folder: str | os.PathLike,
    out: str | os.PathLike,
    token: str,
    reading: RasterReading | None = None,
) -> Starlette:
    """The routes. Which hosts and methods get through to them, and with which headers, is up to `Guard`.

    A request that changes something must carry the token that only the page has, so that no other page of the same
    browser can answer.

    Args:
        session: `LabelingSession`, whose names are paths below `folder`.
        folder: of the images.
        out: folder for the result, for which the page has a button.
        token: str.
        reading: of images that are rasters, or None.

    Returns:
        starlette.applications.Starlette.
    """
    files, lock = ImageFiles(folder, session.names, reading), threading.Lock()

    def page(request):
        return Response(label_page(token), media_type="text/html")

    def script(request):
        return Response(SCRIPT, media_type="text/javascript")

    def icon(request):  # browsers ask for one
        return Response(b"", media_type="image/x-icon")

    def state(request):
        with lock:
            return JSONResponse(label_state(session))

    def image(request):
        index = request.path_params["index"]
        # No int() of what is no number, or of more digits than Python takes.
        if not (index.isascii() and index.isdigit() and len(index) <= MAX_DIGITS and int(index) < len(session.names)):
            raise HTTPException(404)
        try:
            data, kind = files.read(int(index))
        except OSError as error:
            raise HTTPException(404, f"{session.names[int(index)]}: {error.strerror}") from error
        # Images keep their number only as long as the server runs.
        return Response(data, media_type=kind, headers={"Cache-Control": "private, max-age=600"})

    def answer(body):
        index, label = _answer(body)
        session.label(index, label)
        return label_state(session)

    def undo(body):
        session.undo()
        return label_state(session)

    def write(body):
        paths = write_predictions(session, out)
        return {**label_state(session), "written": [str(path) for path in paths]}

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/page.js", script),
            Route("/favicon.ico", icon),
            Route("/state", state),
            Route("/image/{index}", image),
            Route("/answer", _change(answer, token, lock), methods=["POST"]),
            Route("/undo", _change(undo, token, lock), methods=["POST"]),
            Route("/write", _change(write, token, lock), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _bug},
    )
    app.router.redirect_slashes = False
    return app


def _change(action: Callable[[bytes], dict], token: str, lock: threading.Lock):
    """An endpoint: the action done by one request at a time, for those that carry the token."""

    def locked(body):
        with lock:
            return action(body)

    async def endpoint(request):
        if not hmac.compare_digest(request.headers.get("X-Token", "").encode(), token.encode()):
            raise HTTPException(403, "This page is not of the labeling that runs now: load it again.")
        body = await _read(request)
        try:
            return JSONResponse(await run_in_threadpool(locked, body))
        except (InputError, OSError) as error:
            raise HTTPException(409, str(error)) from error

    return endpoint


async def _read(request):
    """The body, of which no more than MAX_BODY is held whatever its length is said to be."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise HTTPException(413, f"A request has a length of at most {MAX_BODY} bytes.")
    except ClientDisconnect as error:
        raise HTTPException(400, "The browser has left.") from error
    return body


def _answer(body):
    """(index, class or None) of a request."""
    try:
        answer = json.loads(body)
        index, label = answer["image"], answer["class"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"An answer is an image and a class. Received: {body[:100]!r}") from error
    if not isinstance(index, int) or not (label is None or isinstance(label, str)):
        raise InputError(f"An answer is the number of an image and the name of a class. Received: {body[:100]!r}")
    return index, label


def _http_error(request: Request, error: HTTPException) -> Response:
    text = f"Nothing is at {request.scope['path']}." if error.detail == "Not Found" else error.detail
    return JSONResponse({"error": text}, error.status_code, error.headers)


def _bug(request: Request, error: Exception) -> Response:
    """The page says that there is one; the server's terminal shows it."""
    return JSONResponse({"error": "A bug in byol-keras label: its terminal says more."}, 500)

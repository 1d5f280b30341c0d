"""What stands before every route of the labeling page's server."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# Nothing from elsewhere, no frame around the page, no guessing of types.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """An ASGI application around another: refuses foreign names and methods, and adds HEADERS to every response.

    A page from elsewhere whose name is made to lead here (DNS rebinding) sends its own name as the host. Starlette's
    TrustedHostMiddleware answers a text; the page reads JSON.

    Args:
        app: the ASGI application.
        hosts: names of this machine that no other site can take. The port may be any, as through an SSH tunnel.
        url: str, for the refusal.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], url: str):
        self.app, self.hosts, self.url = app, hosts, url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")  # an answer changes everything
            await send(message)

        app = self._refusal(scope) or self.app
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope):
        host = Headers(scope=scope).get("Host", "")
        if (host.rpartition(":")[0] or host) not in self.hosts:
            return JSONResponse({"error": f"This server is for {self.url} only."}, 403)
        if scope["method"] not in ("GET", "POST"):
            return JSONResponse({"error": f"{scope['method']} is nothing this server does."}, 501)
        return None

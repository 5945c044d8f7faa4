"""What stands at the scheduler's own address where the main pages listen on another one, loopback for instance.

``client.dashboard_link`` is made of the scheduler's address. It is led on to the pages; who asks from elsewhere for
pages that answer to this machine only gets to read how to reach them. Nothing of the cluster is said here, so no token
is needed.
"""

from __future__ import annotations

from typing import Any

import tornado.web
from tornado.httpserver import HTTPServer

_ELSEWHERE = """\
Taskglass runs here and answers only to its own machine. Two ways to reach it from yours:

  ssh -L {port}:localhost:{port} {host}
      and then http://localhost:{port}{prefix}/status

  dask scheduler --preload taskglass --taskglass-host 0.0.0.0
      (or taskglass.host in Dask's configuration): it asks for the token that the scheduler's log tells
"""


class _Sign(tornado.web.RequestHandler):
    def initialize(self, origin: str, near_only: bool, help_text: str) -> None:
        self._origin = origin
        self._near_only = near_only
        self._help = help_text

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        # Every method ends here. Programs that read the API are to know its address; pages are what people are led to.
        path = self.request.path
        if self.request.method in ("GET", "HEAD") and "/api/" not in path and (self._is_near() or not self._near_only):
            query = f"?{self.request.query}" if self.request.query else ""
            self.set_status(302)
            self.set_header("Location", f"{self._origin}{path}{query}")
        else:
            self.set_status(403)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.write(self._help)
        self.finish()

    def _is_near(self) -> bool:
        """Whoever comes from the very address that was called is on this machine."""
        stream = self.request.connection.stream  # type: ignore[union-attr]
        try:
            return stream.socket.getpeername()[0] == stream.socket.getsockname()[0]
        except (AttributeError, OSError):
            return False


def put_up_signpost(host: str, port: int, origin: str, prefix: str, near_only: bool) -> HTTPServer:
    """Listens on ``host`` and ``port``, and leads on to ``origin`` (``http://…:PORT``). Raises OSError.

    ``near_only``: ``origin`` answers to this machine only.
    """
    text = _ELSEWHERE.format(host=host, port=port, prefix=prefix)
    settings: dict[str, Any] = {"origin": origin, "near_only": near_only, "help_text": text}
    server = HTTPServer(tornado.web.Application([(r".*", _Sign, settings)], log_function=lambda _handler: None))
    server.listen(port, address=host)
    return server

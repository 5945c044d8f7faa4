"""What stands at the scheduler's own address while the main pages answer to this machine only.

``client.dashboard_link`` is made of the scheduler's address, which is seldom 127.0.0.1. On this machine it is led on to
the pages; from elsewhere it gets to read how to reach them. Nothing of the cluster is said here, so no token is needed.
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
    def initialize(self, host: str, port: int, prefix: str) -> None:
        self._to = {"host": host, "port": port, "prefix": prefix}

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        # Every method ends here. Programs that read the API are to know its address; pages are what people are led to.
        path = self.request.path
        if self.request.method in ("GET", "HEAD") and "/api/" not in path and self._is_near():
            query = f"?{self.request.query}" if self.request.query else ""
            self.set_status(302)
            self.set_header("Location", f"http://127.0.0.1:{self._to['port']}{path}{query}")
        else:
            self.set_status(403)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.write(_ELSEWHERE.format(**self._to))
        self.finish()

    def _is_near(self) -> bool:
        """Whoever comes from the very address that was called is on this machine."""
        stream = self.request.connection.stream  # type: ignore[union-attr]
        try:
            return stream.socket.getpeername()[0] == stream.socket.getsockname()[0]
        except (AttributeError, OSError):
            return False


def put_up_signpost(host: str, port: int, prefix: str) -> HTTPServer:
    """Listens on ``host``, an address of this machine that is not loopback. Raises OSError."""
    settings: dict[str, Any] = {"host": host, "port": port, "prefix": prefix}
    server = HTTPServer(tornado.web.Application([(r".*", _Sign, settings)], log_function=lambda _handler: None))
    server.listen(port, address=host)
    return server

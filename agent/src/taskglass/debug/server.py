"""The HTTP surface of a debug server: answered by the event loop of the scheduler or worker that it shows."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qsl, urlencode

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from .gate import Gate
from .pages import PageFile, known_pages, read_pages
from .problems import PROBLEM_JSON, STYLE_SOURCE, Problem, forward_page, problem_page
from .topics import Inspector
from .view import encode

MAX_BODY = 65_536  # bytes; nothing here reads a body
IDLE = 75.0  # seconds after which a connection that asks nothing is closed
_JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none';script-src 'self';"
    f"style-src 'self' {STYLE_SOURCE};"
    "img-src 'self';font-src 'self';connect-src 'self';worker-src 'self';manifest-src 'self';form-action 'self';"
    "base-uri 'none';frame-ancestors 'self'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Cache-Control": "no-store",
}


class DebugHandler(RequestHandler):
    """Every request comes here, so that none passes the gate by."""

    def initialize(self, gate: Gate, inspector: Inspector, page_dir: Callable[[], Path | None]) -> None:
        self.gate = gate
        self.inspector = inspector
        self.page_dir = page_dir

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    async def _answer(self) -> None:
        """All that can go wrong ends in a problem document; nothing reaches the scheduler."""
        try:
            await self._handle()
        except Problem as problem:
            self._refuse(problem)
        except Exception:
            self.inspector.logger.warning("A request for a debug page failed", exc_info=True)
            self._refuse(Problem("INTERNAL", "an unexpected error; the log of the process has it"))

    get = head = post = put = patch = delete = options = _answer  # type: ignore[assignment]

    async def _handle(self) -> None:
        request = self.request
        path = request.path.rstrip("/") or "/"
        query = parse_qsl(request.query, keep_blank_values=True)
        token = next((value for name, value in query if name == "token"), None)
        open_to_all = path == "/health" or path.startswith("/help/")
        cookie = self.gate.admit(request.method or "", request.headers, token, request.remote_ip or "", open_to_all)
        if cookie is not None:
            self.set_header("Set-Cookie", cookie)
        if token is not None and request.method == "GET" and self._wants_html():
            self._forward([(name, value) for name, value in query if name != "token"])
            return
        if request.method not in ("GET", "HEAD"):
            self.set_header("Allow", "GET, HEAD")
            raise Problem("METHOD_NOT_ALLOWED", f"{request.method} is not; GET, HEAD is")

        api = "/api/v1/debug"
        if path == "/":
            self.set_status(302)
            self.set_header("Location", "debug")
        elif path == "/debug":
            await self._send_page(1 if request.path.endswith("/") else 0)
        elif path == "/health":
            self._send(_JSON, encode({"status": "ok"}))
        elif path == api or path.startswith(f"{api}/"):
            answer = self.inspector.answer(path[len(api) + 1 :] or None)
            if answer is None:
                raise Problem("NOT_FOUND", "there is no such topic")
            self._send(_JSON, answer)
        else:
            await self._send_file(request.path[1:])

    def _send(self, kind: str, body: str | bytes) -> None:
        self.set_header("Content-Type", kind)
        self.write(body)

    async def _pages(self) -> Any:
        folder = self.page_dir()
        pages = known_pages(folder)
        if pages is not None:
            return pages
        return await asyncio.get_running_loop().run_in_executor(None, read_pages, folder)

    async def _send_page(self, depth: int) -> None:
        documents = (await self._pages()).documents
        if documents:
            self.set_header("Cache-Control", "no-cache")
            self._send_page_file(documents[depth])
            return
        # People get what there is; a program that asks for the page is told that there is none.
        problem = Problem("PAGE_NOT_BUILT", "its files are missing where this process looks for them")
        if not self._wants_html():
            raise problem
        base = "../" * depth + "api/v1/debug"
        self._send(_HTML, problem_page(problem, [(f"{base}/{topic}", topic) for topic in self.inspector.topics]))

    async def _send_file(self, name: str) -> None:
        file = (await self._pages()).files.get(name)
        if file is None:
            raise Problem("NOT_FOUND", "no page and no part of the API has this address")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable" if file.immutable else "no-cache")
        self._send_page_file(file)

    def _send_page_file(self, file: PageFile) -> None:
        self.set_header("Etag", file.etag)
        self.set_header("Vary", "accept-encoding")
        if self.check_etag_header():
            self.set_status(304)
            return
        if file.gzip is not None and _takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            self.set_header("Content-Encoding", "gzip")
            self._send(file.type, file.gzip)
        else:
            self._send(file.type, file.raw)

    def compute_etag(self) -> None:
        """Tornado would hash every answer; only the page's files have one, set above."""
        return

    def _forward(self, query: list[tuple[str, str]]) -> None:
        """Takes the token out of the address, where it would be seen, kept and shared."""
        path = self.request.path
        # Relative, so that it holds behind a proxy that cuts a prefix off.
        to = f"./{path.rpartition('/')[2]}" + (f"?{urlencode(query)}" if query else "")
        # A strict cookie does not travel along a redirect that began on another site; from a page of ours it does.
        if self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            self._send(_HTML, forward_page(to))
        else:
            self.set_status(303)
            self.set_header("Location", to)

    def _refuse(self, problem: Problem) -> None:
        self.set_status(problem.status)
        self.set_header("Cache-Control", "no-store")
        if problem.code == "TOKEN_REQUIRED":
            self.set_header("WWW-Authenticate", "Bearer")
        if problem.code == "RATE_LIMITED":
            self.set_header("Retry-After", "60")
        if self._wants_html():
            up = self.request.path.count("/") - 1
            self._send(_HTML, problem_page(problem, [("../" * up + "debug" if up > 0 else "./debug", "/debug")]))
        else:
            self._send(PROBLEM_JSON, encode(problem.document()))

    def _wants_html(self) -> bool:
        return "text/html" in self.request.headers.get("Accept", "")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tornado refused the request before it came to ``_answer``."""
        code = {405: "METHOD_NOT_ALLOWED", 500: "INTERNAL"}.get(status_code, "QUERY_INVALID")
        self._refuse(Problem(code, "the request is malformed" if code == "QUERY_INVALID" else "it was not answered"))
        self.finish()

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if not isinstance(value, HTTPError):
            self.inspector.logger.warning("A request for a debug page failed", exc_info=(typ, value, tb))


def _takes_gzip(accepted: str) -> bool:
    offers = (offer.strip().replace(" ", "") for offer in accepted.split(","))
    return any(
        offer == "gzip" or (offer.startswith("gzip;") and not offer.endswith(("q=0", "q=0.0"))) for offer in offers
    )


class DebugService:
    """What is put into ``server.services``: a listening debug server. ``host``: what it is bound to."""

    def __init__(
        self, inspector: Inspector, host: str, port: int, gate: Gate, page_dir: Callable[[], Path | None]
    ) -> None:
        self.inspector = inspector
        self.host = host
        settings = {"gate": gate, "inspector": inspector, "page_dir": page_dir}
        # A line of log a request would push out of the scheduler's log what matters there.
        application = Application([(".*", DebugHandler, settings)], log_function=lambda handler: None)
        self._http = HTTPServer(application, max_body_size=MAX_BODY, idle_connection_timeout=IDLE, body_timeout=10)
        sockets = _bind(host, port)
        self.port: int = sockets[0].getsockname()[1]
        gate.bind(self.port)
        self._http.add_sockets(sockets)
        self._stopped = False

    def stop(self) -> None:
        """Ends it and its connections. May be called again; in the server's own event loop."""
        if self._stopped:
            return
        self._stopped = True
        self.inspector.watch.stop()
        self.inspector.server.handlers.pop("taskglass_debug", None)
        self._http.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # the loop has ended, and the connections with it
        closing = loop.create_task(self._http.close_all_connections())
        closing.add_done_callback(lambda task: task.cancelled() or task.exception())


def _bind(host: str, port: int) -> list[socket.socket]:
    """The port that is asked for, or any free one where it is taken. Raises OSError where the host cannot be bound."""
    if port:
        try:
            return bind_sockets(port, host)
        except OSError:
            logging.getLogger("distributed").debug("Port %d is taken", port)
    return bind_sockets(0, host)

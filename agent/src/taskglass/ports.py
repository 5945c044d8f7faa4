"""Ports: one for the main pages, and another for Dask's own HTTP server where it has ours."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from distributed.comm import get_address_host
from tornado.httpserver import HTTPServer

#: 8788 and 8789 are the debug servers' ports: never taken in their stead.
FIRST_FALLBACK_PORT = 8790
FALLBACK_PORTS = 100
_BACKLOG = 511


def shown_host(host: str, address: str) -> str:
    """What a browser asks for where we listen on ``host``, in a process that has this ``address`` in its cluster."""
    if host in ("0.0.0.0", "::"):
        host = get_address_host(address) or "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def listen_on(host: str, port: int) -> socket.socket:
    """A listening socket at ``port``, or where that is taken at the next free one from 8790 up, or at any free one.

    Raises OSError where ``host`` is no address of this machine.
    """
    last: OSError | None = None
    for candidate in (port, *range(FIRST_FALLBACK_PORT, FIRST_FALLBACK_PORT + FALLBACK_PORTS), 0):
        try:
            return _listen(host, candidate)
        except PermissionError as error:
            last = error  # A port below 1024.
        except OSError as error:
            if not _is_taken(error):
                raise
            last = error
    raise last if last is not None else OSError(f"nothing to listen on at {host}")


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = _address_of(host, port)
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # Elsewhere it would take a port away from its owner.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if host == "::":
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _address_of(host: str, port: int) -> Any:
    flags = socket.AI_PASSIVE
    # Both of localhost's addresses would do; 127.0.0.1 is the one that every program tries.
    family = socket.AF_INET if host == "localhost" else socket.AF_UNSPEC
    return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, flags)[0]


def _is_taken(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EACCES)


class DaskHttp:
    """Dask's own HTTP server on a scheduler, which is bound before any preload runs; it can be moved, and moved back.

    Moving it keeps all that it serves: pages, ``/health``, ``/metrics``, the proxy to workers.
    """

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        server = scheduler.services.get("dashboard")
        self._server: HTTPServer | None = server if isinstance(server, HTTPServer) else None
        self._before: list[tuple[str, int]] | None = None

    @property
    def service(self) -> Any:
        """The service that stands for it, or None where the scheduler has none."""
        return self._server

    @property
    def port(self) -> int | None:
        return getattr(self._server, "port", None)

    def is_movable_from(self, port: int) -> bool:
        """Whether it listens on this port, at whichever address, and for nothing but itself."""
        # A scheduler at ws:// may speak to its workers through this very server.
        shared = any(listener.contact_address.endswith(f":{port}") for listener in self._scheduler.listeners)
        return not shared and any(bound == port for _, bound in self._addresses())

    def move_from(self, port: int) -> None:
        """Makes it listen on any free port instead of this one; its other ports stay."""
        before = self._addresses()
        self._serve([(host, 0 if bound == port else bound) for host, bound in before])
        self._before = before

    def move_back(self) -> None:
        """To where it was before ``move_from``, or to any free port where that has been taken meanwhile."""
        if self._before is not None:
            self._serve(self._before)
            self._before = None

    def _addresses(self) -> list[tuple[str, int]]:
        if self._server is None:
            return []
        bound = (listening.getsockname() for listening in self._server._sockets.values())
        return [name[:2] for name in bound if isinstance(name, tuple)]

    def _serve(self, addresses: list[tuple[str, int]]) -> None:
        """A server that was stopped cannot listen again, so another one takes its place, for the same application."""
        old = self._server
        assert old is not None
        new = HTTPServer(self._scheduler.http_application, ssl_options=old.ssl_options)
        old.stop()
        free = 0  # One free port for all that share one: IPv4 and IPv6 of the same wildcard.
        for host, port in addresses:
            try:
                new.listen(port or free, address=host)
            except OSError:
                new.listen(0, address=host)
            if port == 0 and free == 0:
                free = list(new._sockets.values())[-1].getsockname()[1]
        new.address, new.port = next(iter(new._sockets.values())).getsockname()[:2]  # As Dask notes them.
        self._scheduler.http_server = self._server = new

"""The main pages beside a scheduler: in a Node process of their own, on a port that was Dask's own dashboard's."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from typing import Any
from urllib.parse import quote

from distributed.comm import get_address_host
from tornado.httpserver import HTTPServer

from taskglass.child import NodeChild
from taskglass.node import NodeMissing, find_node
from taskglass.options import Options, is_loopback
from taskglass.ports import DaskHttp, listen_on, shown_host
from taskglass.signpost import put_up_signpost
from taskglass.web import web_dir

logger = logging.getLogger("distributed.scheduler")

#: A child that was asked to end has this long; then it is killed.
END_SECONDS = 3.0


class CannotServe(Exception):
    """Why there are no main pages, and what to do."""


class MainPages:
    """The main pages of one scheduler. A service in Dask's sense: it has a ``port``, and ``stop()``."""

    def __init__(self, scheduler: Any, options: Options, listening: socket.socket, dask_http: DaskHttp) -> None:
        self.port: int = listening.getsockname()[1]
        self._scheduler = scheduler
        self._options = options
        self._listening: socket.socket | None = listening
        self._dask_http = dask_http
        self._loop = asyncio.get_running_loop()
        self._child: NodeChild | None = None
        self._signpost: HTTPServer | None = None

    @property
    def host(self) -> str:
        return shown_host(self._options.host, self._scheduler.address)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}{self._options.prefix}/status"

    @property
    def pid(self) -> int | None:
        """Of the Node process that runs now."""
        return self._child.pid if self._child is not None else None

    def run(self, command: list[str], way_in: dict[str, Any], secret: str | None) -> None:
        """Starts Node; returns at once.

        ``way_in``: what ``_way_in`` says. ``secret``: a token that nobody knows yet, so that the log has to say it.
        """
        options = self._options
        config: dict[str, Any] = {**way_in, "host": options.host, "logLevel": "warn"}
        if options.prefix:
            config["prefix"] = options.prefix
        if options.token is not None:
            config["token"] = options.token
        if options.page_dir is not None:
            config["pageDir"] = str(options.page_dir)
        config["record"] = _limits(options) if options.record else None
        if options.record_dir is not None:
            config["recordings"] = os.path.abspath(options.record_dir)
        names = [*options.allow_hosts] if options.loopback else [*options.allow_hosts, self.host.strip("[]")]
        config["allowHosts"] = names
        fd = None
        if os.name == "posix":
            # Bound here and inherited: nobody can come in between, and whoever asks while Node starts just waits.
            assert self._listening is not None
            fd = config["fd"] = self._listening.fileno()
        else:
            config["port"] = self.port
            self._close_socket()
        shown = self.url if secret is None else f"{self.url}?token={quote(secret, safe='')}"

        def ready(port: int) -> None:
            logger.info("Taskglass UI at: %s", shown)

        def hopeless(reason: str) -> None:
            try:
                self._loop.call_soon_threadsafe(self._give_up, reason)
            except RuntimeError:
                pass  # The scheduler's loop has ended.

        self._child = NodeChild(command, config, fd=fd, logger=logger, on_ready=ready, on_hopeless=hopeless)
        self._child.start()

    def put_up_signpost(self) -> None:
        """``client.dashboard_link`` leads to the scheduler's address, and we may listen on another one."""
        options = self._options
        host = get_address_host(self._scheduler.address)
        if options.host in ("0.0.0.0", "::", host) or (options.loopback and is_loopback(host)):
            return
        origin = f"http://{'127.0.0.1' if options.host == 'localhost' else self.host}:{self.port}"
        try:
            self._signpost = put_up_signpost(host, self.port, origin, options.prefix, near_only=options.loopback)
        except OSError as error:
            logger.info("Taskglass: no signpost at %s:%d (%s)", host, self.port, error)

    def stop(self) -> None:
        """Ends Node, which takes it some 50 ms; returns at once. Idempotent."""
        if self._child is not None:
            self._child.stop()
        if self._signpost is not None:
            self._signpost.stop()
        self._close_socket()

    async def close(self) -> None:
        """Ends Node, and waits until it has ended."""
        self.stop()
        deadline = time.monotonic() + END_SECONDS
        while self._child is not None and not self._child.ended:
            if time.monotonic() > deadline:
                self._child.kill()
            await asyncio.sleep(0.02)

    def _close_socket(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _give_up(self, reason: str) -> None:
        """Node does not run here. Dask's own pages get their port and their place back."""
        self.stop()
        services = self._scheduler.services
        if services.get("dashboard") is not self:
            return
        self._dask_http.move_back()
        services.pop("bokeh", None)
        if self._dask_http.service is None:
            del services["dashboard"]
        else:
            services["dashboard"] = self._dask_http.service
        own = f"; Dask's own pages are at port {self._dask_http.port}" if self._dask_http.service else ""
        logger.warning("Taskglass UI could not be started: Node %s%s", reason, own)


async def start_main_pages(scheduler: Any, options: Options, secret: str | None) -> MainPages:
    """Gives the scheduler its main pages and lists them as its ``dashboard``.

    Raises CannotServe; then nothing has changed.
    """
    web = web_dir()
    if web is None:
        raise CannotServe("the web server has not been built: in a checkout, run `npm run build`")
    loop = asyncio.get_running_loop()
    try:
        node = await loop.run_in_executor(None, find_node, options.node)
    except NodeMissing as error:
        raise CannotServe(str(error)) from None
    dask_http = DaskHttp(scheduler)
    if getattr(dask_http.service, "ssl_options", None) is not None:
        # Pages that were to be encrypted are not replaced by plain ones.
        raise CannotServe("Dask's own pages are served over TLS, which the web server does not speak yet")
    way_in = await _way_in(scheduler)

    move = not options.keep_bokeh and dask_http.is_movable_from(options.port)
    if move:
        dask_http.move_from(options.port)
    try:
        listening = listen_on(options.host, options.port)
    except OSError as error:
        if move:
            dask_http.move_back()
            scheduler.services["dashboard"] = dask_http.service
        raise CannotServe(f"{options.host} cannot be listened on: {error}") from None
    pages = MainPages(scheduler, options, listening, dask_http)
    if dask_http.service is not None:
        scheduler.services["bokeh"] = dask_http.service
        if move:
            logger.info("Taskglass: Dask's own pages have moved from port %d to %d", options.port, dask_http.port)
    if options.port not in (0, pages.port):
        owner = "is left to Dask's own pages" if dask_http.port == options.port else "is taken"
        logger.info("Taskglass: port %d %s; using %d", options.port, owner, pages.port)
    scheduler.services["dashboard"] = pages
    pages.put_up_signpost()
    pages.run([node.path, str(web / "server.mjs")], way_in, secret)
    return pages


async def _way_in(scheduler: Any) -> dict[str, Any]:
    """How Node reaches the scheduler: its ``address``, and ``tls`` where it takes certificates."""
    addresses = [str(listener.contact_address) for listener in scheduler.listeners]
    for scheme in ("tcp://", "tls://"):
        address = next((address for address in addresses if address.startswith(scheme)), None)
        if address is not None:
            return {"address": address, "tls": _tls_of(scheduler)} if scheme == "tls://" else {"address": address}
    if any(address.startswith("wss://") for address in addresses):
        # Another way in, without certificates, is not ours to open.
        raise CannotServe("the scheduler speaks wss:// only, which the web server does not")
    # A cluster inside one process (inproc://) listens nowhere. A way in as open as that of a LocalCluster of processes.
    await scheduler.listen("tcp://127.0.0.1:0", allow_offload=False)
    address = str(scheduler.listeners[-1].contact_address)
    logger.info("Taskglass: the scheduler listens at %s too, for the web server", address)
    return {"address": address}


def _limits(options: Options) -> dict[str, Any]:
    """What is kept of recordings, as far as somebody said so."""
    limits = {
        "maxAge": options.record_max_age,
        "maxSize": options.record_max_size,
        "maxCount": options.record_max_count,
    }
    return {name: value for name, value in limits.items() if value is not None}


def _tls_of(scheduler: Any) -> dict[str, str]:
    """What the scheduler itself shows: each a path, or the text (as ``Security.temporary()`` has it)."""
    security = scheduler.security
    role = "client" if security.tls_client_cert else "scheduler"
    values = {
        "ca": security.tls_ca_file,
        "cert": getattr(security, f"tls_{role}_cert"),
        "key": getattr(security, f"tls_{role}_key"),
    }
    if not values["ca"] or not values["cert"]:
        raise CannotServe("the scheduler speaks TLS, but its security says no CA or no certificate")
    # Paths stay paths: Node reads them anew for each connection, and certificates are renewed meanwhile.
    return {name: value if "\n" in value else os.path.abspath(value) for name, value in values.items() if value}

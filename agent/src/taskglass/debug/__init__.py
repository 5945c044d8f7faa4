"""
Debug pages, served inside a Dask scheduler (port 8788) or worker (8789) by its own event loop, and the same over Dask's
own protocol for the main pages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..options import check_token
from .gate import Gate
from .server import DebugService
from .topics import Inspector

#: The name under which the port is listed among the services; DEBUG_SERVICE of src/model/debug.ts.
SERVICE = "taskglass-debug"

__all__ = ["SERVICE", "DebugService", "start_scheduler", "start_worker"]


def start_scheduler(scheduler: Any, options: Any) -> DebugService:
    """
    Serves the debug pages of a scheduler; to be called in its event loop, from ``dask_setup`` for instance.

    ``options``: a ``taskglass.options.Options``; host, debug_port, token, allow_hosts and page_dir are read. A port
    that is taken gives way to any free one. The service is listed in ``scheduler.services``, which stops it with the
    scheduler, and the handler ``taskglass_debug`` is added: ``{"topic": str | None}`` gives
    ``{"status": "OK", "json": text}`` or ``{"status": "missing"}``.

    Raises OSError where the host cannot be listened on, ValueError where it can be reached from elsewhere and there is
    no token, or one that is too short.
    """
    return _start("scheduler", scheduler, options)


def start_worker(worker: Any, options: Any) -> DebugService:
    """
    Serves the debug pages of a worker, as :func:`start_scheduler` does. To be called before the worker registers
    itself, as ``dask_setup`` is: workers send their list of services once.
    """
    return _start("worker", worker, options)


def _start(role: str, server: Any, options: Any) -> DebugService:
    token = options.token
    if token is None and not options.loopback:
        raise ValueError(f"the debug pages of this {role} are not served on {options.host} without a token")
    check_token(options.host, token)
    inspector = Inspector(role, server)
    gate = Gate(options.host, options.allow_hosts, token)
    service = DebugService(inspector, options.host, options.debug_port, gate, lambda: _page_dir(options))

    def taskglass_debug(topic: str | None = None) -> dict[str, str]:
        answer = inspector.answer(topic)
        return {"status": "missing"} if answer is None else {"status": "OK", "json": answer}

    server.handlers["taskglass_debug"] = taskglass_debug
    server.services[SERVICE] = service
    return service


def _page_dir(options: Any) -> Path | None:
    if options.page_dir is not None:
        return Path(options.page_dir)
    from ..web import web_dir

    web = web_dir()
    return None if web is None else web / "page"

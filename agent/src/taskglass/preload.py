"""What happens when a scheduler or a worker starts with this package, and when it ends."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import dask
from distributed import Scheduler, Worker

from taskglass.access import ask_token, make_token, offer_token
from taskglass.launch import CannotServe, MainPages, start_main_pages
from taskglass.options import OptionError, Options, check_token, load_options
from taskglass.ports import shown_host

_main_pages: WeakKeyDictionary[Any, MainPages] = WeakKeyDictionary()
_set_up: WeakSet[Any] = WeakSet()


async def setup(server: Any, given: Mapping[str, Any]) -> None:
    """Starts what belongs to this server. What fails is said in its log; nothing keeps it from starting."""
    if server in _set_up:
        return  # Named twice in a list of preloads.
    _set_up.add(server)
    role = "scheduler" if isinstance(server, Scheduler) else "worker" if isinstance(server, Worker) else None
    if role is None:
        return
    logger = logging.getLogger(f"distributed.{role}")
    try:
        options = load_options(role, given)
    except OptionError as error:
        logger.warning("Taskglass is not started: %s", error)
        return
    if not options.enabled:
        logger.info("Taskglass is off (taskglass.enabled); `taskglass enable` turns it on")
        return
    if role == "scheduler":
        await _setup_scheduler(server, options, logger)
    else:
        await _setup_worker(server, options, logger)


async def teardown(server: Any) -> None:
    pages = _main_pages.pop(server, None)
    if pages is not None:
        await pages.close()


async def _setup_scheduler(scheduler: Scheduler, options: Options, logger: logging.Logger) -> None:
    secret = None
    if not options.loopback and options.token is None:
        secret = make_token()
        options = dataclasses.replace(options, token=secret)
    offer_token(scheduler, options.token)
    _start_debug(role="scheduler", server=scheduler, options=options, logger=logger)
    if not _is_asked_for(scheduler):
        logger.info("Taskglass UI is not started: the scheduler was told to have no dashboard")
        return
    try:
        _main_pages[scheduler] = await start_main_pages(scheduler, options, secret)
    except CannotServe as error:
        own = scheduler.services.get("dashboard")
        stays = "" if own is None else f" Dask's own pages stay at port {own.port}."
        logger.warning("Taskglass UI is not started: %s.%s", error, stays)
    except Exception:
        logger.exception("Taskglass UI is not started")


async def _setup_worker(worker: Worker, options: Options, logger: logging.Logger) -> None:
    if not options.loopback and options.token is None:
        options = _with_token(options, await ask_token(worker), logger)
    _start_debug(role="worker", server=worker, options=options, logger=logger)


def _with_token(options: Options, token: str | None, logger: logging.Logger) -> Options:
    """A worker's options with the token that its scheduler said; this machine only where that is no good beyond it."""
    try:
        if token is None:
            raise OptionError("the scheduler has no token")
        check_token(options.host, token)
    except OptionError as error:
        logger.warning("Taskglass: %s, so the debug pages stay on this machine", error)
        return dataclasses.replace(options, host="127.0.0.1", token=token)
    return dataclasses.replace(options, token=token)


def _is_asked_for(scheduler: Any) -> bool:
    """False for a scheduler that was told to have no dashboard and has this preload from Dask's configuration only."""
    preloads = dask.config.get("distributed.scheduler.preload", None) or []
    if "taskglass" not in ([preloads] if isinstance(preloads, str) else preloads):
        return True
    # Dask does not keep what it was told. What it does then is to serve pages of Bokeh's, or an excuse for having none.
    http = scheduler.http_application
    return bool(http.applications) or any("missing_bokeh" in module for module in _handler_modules(http.default_router))


def _handler_modules(router: Any) -> Iterator[str]:
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from _handler_modules(rule.target)
        else:
            yield getattr(rule.target, "__module__", "")


def _start_debug(role: str, server: Any, options: Options, logger: logging.Logger) -> None:
    """A worker tells its services when it registers, which comes after this."""
    try:
        from taskglass import debug

        service = (debug.start_worker if role == "worker" else debug.start_scheduler)(server, options)
    except Exception:
        logger.exception("Taskglass: the debug pages are not started")
        return
    logger.info("Taskglass debug pages at: http://%s:%d/debug", shown_host(options.host, server.address), service.port)

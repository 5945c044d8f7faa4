"""
The built page, read into memory at the first request for it: a worker that nobody looks at never reads it. A request
names one of its files exactly or nothing, so no path is ever made from what a browser sends.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".map": "application/json; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_COMPRESSIBLE = frozenset((".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".webmanifest"))
_COMPRESS_FROM = 1_000  # bytes; below, compression saves no packet
_MAX_FILES = 2_000
_MAX_BYTES = 64 << 20  # of all files: somebody named a folder that is not the page's


@dataclass(frozen=True)
class PageFile:
    type: str
    etag: str
    #: True when its name carries its content's hash.
    immutable: bool
    raw: bytes
    gzip: bytes | None


class Pages:
    """``document``: the page at depth 0 and 1 (``debug``, ``debug/``); empty where it was not built."""

    def __init__(self, folder: Path | None) -> None:
        self.files: dict[str, PageFile] = {}
        self.documents: list[PageFile] = []
        total = 0
        found = sorted(folder.rglob("*")) if folder is not None and folder.is_dir() else []
        for path in found[:_MAX_FILES]:
            if path.is_file():
                raw = path.read_bytes()
                total += len(raw)
                if total > _MAX_BYTES:
                    raise OSError(f"{folder} holds more than a page")
                self.files[path.relative_to(folder).as_posix()] = _page_file(path.relative_to(folder).as_posix(), raw)
        page = self.files.get("index.html")
        if page is not None:
            # Its addresses are relative, so that it works below any prefix.
            deeper = re.sub(rb'\b(href|src)="\./', rb'\1="../', page.raw)
            self.documents = [page, _page_file("index.html", deeper)]
            del self.files["index.html"]


def _page_file(name: str, raw: bytes) -> PageFile:
    suffix = Path(name).suffix
    compress = suffix in _COMPRESSIBLE and len(raw) >= _COMPRESS_FROM
    return PageFile(
        type=_TYPES.get(suffix, "application/octet-stream"),
        etag=f'"{hashlib.sha256(raw).hexdigest()[:22]}"',
        immutable=name.startswith("assets/"),
        raw=raw,
        gzip=gzip.compress(raw, 6) if compress else None,
    )


_shared: dict[Path | None, Pages] = {}
_lock = threading.Lock()


def read_pages(folder: Path | None) -> Pages:
    """
    Once for all servers of a process. Blocks, so not to be called in an event loop. A folder without a page is looked
    at again the next time. Raises OSError.
    """
    with _lock:
        pages = _shared.get(folder)
        if pages is None:
            pages = Pages(folder)
            if pages.documents:
                _shared[folder] = pages
        return pages


def known_pages(folder: Path | None) -> Pages | None:
    """What has been read already."""
    return _shared.get(folder)

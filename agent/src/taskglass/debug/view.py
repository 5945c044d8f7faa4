"""What a topic shows, built so that whatever a cluster holds can be sent to a browser: bounded, finite, printable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from math import floor, isfinite, log10
from typing import Any, Callable

MAX_ROWS = 200  # of a table; what is left out is counted
MAX_POINTS = 600  # of a series
MAX_TEXT = 400  # characters of a cell
MAX_LONG_TEXT = 4_000  # characters of a message
MAX_TABLES = 60
MAX_SAFE_INTEGER = 2**53 - 1  # larger ones are not exact in a browser

_SURROGATE = re.compile("[\ud800-\udfff]")
_TEXTS = frozenset(("text", "key"))


class View:
    """One answer. Its parts are added in the order in which they are shown; nothing that is added can make it fail."""

    def __init__(self) -> None:
        self.facts: list[dict[str, Any]] = []
        self.tables: list[dict[str, Any]] = []
        self.series: list[dict[str, Any]] = []
        self.trees: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def fact(self, name: str, unit: str, value: Any) -> None:
        self.facts.append({"name": text(name), "unit": unit, "value": clean(unit, value)})

    def table(
        self,
        title: Any,
        columns: Sequence[tuple[str, str]],
        items: Iterable[Any],
        row: Callable[[Any], Sequence[Any]] = lambda item: item,
        total: int | None = None,
        limit: int = MAX_ROWS,
        width: int = MAX_TEXT,
    ) -> None:
        """
        The first ``limit`` of ``items``, each made a row by ``row``. ``total`` is how many there are in all; None where
        ``items`` has a length of its own. ``width``: characters of a cell.
        """
        if len(self.tables) >= MAX_TABLES:
            return
        if total is None:
            items = items if hasattr(items, "__len__") else list(items)
            total = len(items)  # type: ignore[arg-type]
        rows, odd = [], 0
        units = [unit for _, unit in columns]
        for item in islice(items, limit):
            try:
                made = [clean(unit, value, width) for unit, value in zip(units, row(item))]
            except Exception:
                odd += 1
                continue
            rows.append(made + [None] * (len(units) - len(made)))
        if odd:
            self.note(f"{title}: {odd} rows could not be read.")
        self.tables.append(
            {
                "title": text(title),
                "columns": [{"name": name, "unit": unit} for name, unit in columns],
                "rows": rows,
                "total": max(total, len(rows)),
            }
        )

    def line(self, title: str, unit: str, times: Sequence[float], lines: Mapping[str, Sequence[Any]]) -> None:
        """
        One chart. ``times``: seconds since epoch, ascending; each of ``lines`` has as many values. The newest are kept;
        what lies at a time that is not finite, or earlier than the one before, is left out.
        """
        times, keep, last = list(times)[-MAX_POINTS:], [], -float("inf")
        for i, at in enumerate(times):
            if isinstance(at, (int, float)) and isfinite(at) and at >= last:
                keep.append(i)
                last = at
        drawn = []
        for name, values in lines.items():
            newest = list(values)[-len(times) :] if times else []
            newest = [None] * (len(times) - len(newest)) + newest
            drawn.append({"name": text(name), "values": rounded([newest[i] for i in keep])})
        self.series.append(
            {"title": text(title), "unit": unit, "times": [round(times[i], 4) for i in keep], "lines": drawn}
        )

    def tree(self, title: str, unit: str, root: dict[str, Any]) -> None:
        """A call tree, made by ``profiles.py``."""
        self.trees.append({"title": text(title), "unit": unit, "root": root})

    def note(self, note: str) -> None:
        if len(self.notes) < MAX_TABLES:
            self.notes.append(text(note))

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """What a version of Dask may not have, or has otherwise: then a note says so and the rest is shown."""
        try:
            yield
        except Exception as error:
            self.note(f"{what}: this version of Dask does not give it as expected ({type(error).__name__}).")


def clean(unit: str, value: Any, limit: int = MAX_TEXT) -> Any:
    """A value as JSON has it: text for the units that are text, else a finite number, a boolean or None."""
    if value is None or value is True or value is False:
        return value
    return text(value, limit) if unit in _TEXTS else number(value)


def number(value: Any) -> Any:
    """A finite number that is exact in a browser, or None."""
    try:
        if type(value) is int:
            return value if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else float(value)
        if type(value) is not float:
            value = float(value)
    except Exception:
        return None
    return value if isfinite(value) else None


def rounded(values: list[Any]) -> list[Any]:
    """The numbers of a line: no more digits than can be seen beside its largest."""
    values = [number(value) for value in values]
    largest = max((abs(value) for value in values if value), default=0)
    digits = 5 - floor(log10(largest)) if largest else 0
    return [round(value, digits) if type(value) is float else value for value in values]


def text(value: Any, limit: int = MAX_TEXT) -> str:
    """A key, a name or anything else as ``str`` prints it, cut and free of what UTF-8 cannot carry."""
    if type(value) is not str:
        try:
            if isinstance(value, (bytes, bytearray)):
                value = repr(bytes(value[:limit]))
            elif isinstance(value, str):
                value = str.__str__(value)
            else:
                value = str(value)
        except Exception:
            value = f"<{type(value).__name__} that cannot be printed>"
        if type(value) is not str:
            value = str.__str__(value)
    if len(value) > limit:
        value = value[: limit - 1] + "…"
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def encode(document: Mapping[str, Any]) -> str:
    """JSON in ASCII. Raises ValueError where something in it was not cleaned."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))

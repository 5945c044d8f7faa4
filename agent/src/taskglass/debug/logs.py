"""The newest lines of the log that a scheduler or a worker keeps of itself."""

from __future__ import annotations

import logging
from typing import Any

from .read import newest
from .view import MAX_LONG_TEXT, MAX_ROWS, View

_EXCEPTIONS = logging.Formatter()


def show(view: View, server: Any) -> None:
    log = server._deque_handler.deque
    records = newest(log, MAX_ROWS)
    view.fact("Lines kept", "count", len(log))
    levels: dict[str, int] = {}
    for record in newest(log, 10_000):
        levels[record.levelname] = levels.get(record.levelname, 0) + 1
    for level, count in sorted(levels.items()):
        view.fact(level.capitalize(), "count", count)
    view.table(
        "Newest lines",
        [("time", "time"), ("level", "text"), ("logger", "text"), ("message", "text")],
        records[::-1],
        lambda record: (record.created, record.levelname, record.name, _message(record)),
        total=len(log),
        width=MAX_LONG_TEXT,
    )


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception:
        message = str(record.msg)  # arguments that do not fit the message
    if record.exc_text:
        return f"{message}\n{record.exc_text}"
    if record.exc_info and record.exc_info[0] is not None:
        return f"{message}\n{_EXCEPTIONS.formatException(record.exc_info)}"
    return message

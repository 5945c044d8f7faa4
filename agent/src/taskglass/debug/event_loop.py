"""How promptly the event loop of a scheduler or a worker comes round."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from time import monotonic
from typing import Any

from .read import size, time
from .view import View, text

INTERVAL = 0.05  # seconds between two looks at how late the loop is
AFTER = 15.0  # seconds for which it goes on when nobody asks any more


class LoopWatch:
    """
    How late the loop calls what it was to call, measured only while somebody looks: nothing of it runs before the first
    request, nor ``AFTER`` seconds after the last.
    """

    def __init__(self) -> None:
        #: (seconds since epoch, seconds late), newest last.
        self.samples: deque[tuple[float, float]] = deque(maxlen=int(30 / INTERVAL))
        self._handle: asyncio.TimerHandle | None = None
        self._until = 0.0

    @property
    def running(self) -> bool:
        return self._handle is not None

    def look(self) -> None:
        """Somebody looks. To be called in the loop that is watched."""
        self._until = monotonic() + AFTER
        if self._handle is None:
            self.samples.clear()
            self._schedule(asyncio.get_running_loop())

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + INTERVAL
        self._handle = loop.call_at(due, self._tick, loop, due)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.samples.append((time(), max(0.0, loop.time() - due)))
        if monotonic() < self._until:
            self._schedule(loop)
        else:
            self._handle = None


def show(view: View, server: Any, watch: LoopWatch) -> None:
    now = time()
    with view.part("Ticks"):
        ticks = server._tick_counter
        view.fact("Interval of ticks asked for", "seconds", server._tick_interval)
        view.fact("Interval of ticks now", "seconds", server._tick_interval_observed)
        view.fact("Since the last tick", "seconds", max(0.0, now - server._last_tick))
        view.fact("Ticks", "count", ticks)
        if ticks:
            view.fact("Mean tick", "seconds", server.digests_total.get("tick-duration", 0) / ticks)
        view.fact("Longest tick", "seconds", server.digests_max.get("tick-duration"))
        view.note("The longest tick is that since the start, or since Dask's /metrics was last read.")

    samples = list(watch.samples)
    watch.look()
    late = [seconds for _, seconds in samples]
    view.fact("Lag now", "seconds", late[-1] if late else None)
    view.fact("Longest lag seen", "seconds", max(late) if late else None)
    view.line("Lag of the event loop", "seconds", [at for at, _ in samples], {"lag": late})
    if not samples:
        view.note(f"The lag is measured while this page is open, every {INTERVAL * 1000:g} ms; it begins now.")

    with view.part("Quantiles of ticks"):
        digest = (server.digests or {}).get("tick-duration") if server.digests is not None else None
        if digest is not None:
            view.table(
                "Ticks",
                [("over", "text"), ("median", "seconds"), ("99 %", "seconds"), ("longest", "seconds")],
                zip(("5 s", "1 min", "1 h"), digest.components),
                lambda row: (row[0], row[1].quantile(0.5), row[1].quantile(0.99), row[1].max()),
                total=3,
            )

    loop = asyncio.get_running_loop()
    view.fact("Loop", "text", type(loop).__name__)
    view.fact("Timers scheduled", "count", size(getattr(loop, "_scheduled", None)))
    view.fact("Callbacks ready", "count", size(getattr(loop, "_ready", None)))
    with view.part("Periodic callbacks"):
        view.table(
            "Periodic callbacks",
            [("name", "text"), ("interval", "seconds"), ("running", "text")],
            sorted(server.periodic_callbacks.items(), key=lambda item: text(item[0])),
            lambda item: (item[0], item[1].callback_time / 1000, item[1].is_running()),
        )
    with view.part("Coroutines"):
        tasks = asyncio.all_tasks(loop)
        names = Counter(_coroutine(task) for task in tasks)
        view.fact("Coroutines", "count", len(tasks))
        view.table("Coroutines", [("name", "text"), ("running", "count")], names.most_common())


def _coroutine(task: asyncio.Task[Any]) -> str:
    coroutine = task.get_coro()
    return text(getattr(coroutine, "__qualname__", None) or type(coroutine).__name__)

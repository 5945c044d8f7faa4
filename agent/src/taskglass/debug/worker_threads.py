"""What the threads of a worker are at."""

from __future__ import annotations

import linecache
import sys
import threading
from itertools import islice
from types import FrameType
from typing import Any

from .read import time
from .view import View, text

MAX_STACKS = 32  # running tasks, and other threads, whose stacks are shown
MAX_FRAMES = 60  # the innermost ones
_FRAME = [("function", "text"), ("file", "text"), ("line", "count"), ("code", "text")]


def call_stacks(view: View, worker: Any) -> None:
    """As ``client.call_stack()`` gives them, innermost call first, for the running tasks and for every other thread."""
    with worker.active_threads_lock:
        active = dict(worker.active_threads)
        frames = sys._current_frames()
    running = len(worker.state.executing) + len(worker.state.long_running)
    view.fact("Tasks running", "count", running)
    view.fact("Threads with a task", "count", len(active))
    if running > len(active):
        view.note("A task without a thread here is a coroutine, runs in another process, or has just begun or ended.")
    now = time()
    for ident, key in islice(active.items(), MAX_STACKS):
        frame = frames.get(ident)
        if frame is not None:
            task = worker.state.tasks.get(key)
            began = task.start_time if task is not None else None
            stack = _stack(frame)
            since = "" if began is None else f", for {max(0.0, now - began):.1f} s"
            view.table(f"{text(key, 200)}{since}", _FRAME, stack[:MAX_FRAMES], total=len(stack))
    if len(active) > MAX_STACKS:
        view.note(f"Only {MAX_STACKS} of {len(active)} tasks are shown.")

    own = threading.get_ident()
    others = [thread for thread in threading.enumerate() if thread.ident in frames and thread.ident not in active]
    rows = []
    for thread in others[:MAX_STACKS]:
        if thread.ident != own:  # this very request
            rows += [(thread.name, *row) for row in _stack(frames[thread.ident])[:12]]
    view.table("Other threads", [("thread", "text"), *_FRAME], rows)
    del frames


def _stack(frame: FrameType | None) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    while frame is not None and len(rows) < 1_000:
        code, line = frame.f_code, frame.f_lineno
        source = linecache.getline(code.co_filename, line).strip() if line and len(rows) < MAX_FRAMES else ""
        rows.append((getattr(code, "co_qualname", code.co_name), code.co_filename, line, source))
        frame = frame.f_back
    return rows

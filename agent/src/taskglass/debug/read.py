"""Looking at what a scheduler and a worker hold, without changing it and without walking through all of it."""

from __future__ import annotations

import heapq
import time as clock
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any

try:
    from distributed.metrics import time
except ImportError:  # pragma: no cover - every version has it so far
    time = clock.time

try:
    thread_time = clock.thread_time
    thread_time()
except (AttributeError, OSError):  # pragma: no cover - platforms that do not count a thread's time
    thread_time = clock.process_time

#: How many things a topic looks at to find the largest or to count them; beyond it a note says so.
MAX_SCAN = 20_000

__all__ = ["MAX_SCAN", "attributes", "newest", "size", "smallest", "thread_time", "time", "type_name"]


def newest(log: Any, n: int) -> list[Any]:
    """The last ``n`` entries of a log (a deque mostly), oldest first, in O(n)."""
    if isinstance(log, (deque, list, tuple)):
        found = list(islice(reversed(log), n))
        found.reverse()
        return found
    return list(log)[-n:]


def smallest(heap_set: Any, n: int) -> list[Any]:
    """
    The first ``n`` of Dask's HeapSet by priority, in O(n log n). Its own ``peekn`` sorts the whole of it, in place; a
    queue may hold a million tasks.
    """
    heap, members = getattr(heap_set, "_heap", None), getattr(heap_set, "_data", None)
    if heap is None or members is None:
        return list(islice(heap_set, n))
    found: list[Any] = []
    front = [(heap[0][:2], 0)] if heap else []
    steps = 8 * n  # what left the set is still in the heap
    while front and len(found) < n and steps:
        steps -= 1
        _, i = heapq.heappop(front)
        value = heap[i][2]()
        if value is not None and value in members:
            found.append(value)
        for child in (2 * i + 1, 2 * i + 2):
            if child < len(heap):
                heapq.heappush(front, (heap[child][:2], child))
    return found


def size(value: Any) -> int | None:
    """How many it holds, where it says so."""
    try:
        return len(value)
    except Exception:
        return None


def attributes(value: Any) -> Iterable[tuple[str, Any]]:
    """What an object holds in attributes of its own."""
    return sorted(getattr(value, "__dict__", {}).items())


def type_name(value: Any) -> str:
    """Of a class, or of the class of a value: module and name."""
    cls = value if isinstance(value, type) else type(value)
    module = cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"

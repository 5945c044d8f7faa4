"""What a worker executes, and what it waits for."""

from __future__ import annotations

import threading
from itertools import islice
from typing import Any

from .read import MAX_SCAN, newest, smallest, time
from .view import MAX_ROWS, View

MAX_HISTORY = 3_000  # entries of the state machine's log that the history is made from
MAX_LOG = 1_000  # entries that the kinds are counted of
_RUNNING = frozenset(("executing", "long-running"))
_LET_GO = frozenset(("cancelled", "resumed"))  # nobody wants it any more, but its thread goes on
_COLLECTIONS = (list, set, frozenset, tuple, dict)


def tasks(view: View, worker: Any) -> None:
    state = worker.state
    view.fact("Threads", "count", state.nthreads)
    view.fact("Executing", "count", len(state.executing))
    view.fact("Long running", "count", len(state.long_running))
    view.fact("Ready", "count", len(state.ready))
    view.fact("Waiting for resources", "count", len(state.constrained))
    view.fact("Waiting for data", "count", len(state.waiting))
    view.fact("In flight", "count", len(state.in_flight_tasks))
    view.fact("To fetch", "count", state.fetch_count)
    view.fact("Stored", "count", len(worker.data))
    view.fact("Executed so far", "count", state.executed_count)
    view.fact("Status", "text", worker.status.name)

    now = time()
    with worker.active_threads_lock:
        active = dict(worker.active_threads)
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    threads = {key: names.get(ident, ident) for ident, key in active.items()}
    running = sorted((*state.executing, *state.long_running), key=lambda task: task.start_time or now)
    view.table(
        "Executing, longest first",
        [("task", "key"), ("function", "text"), ("state", "text"), ("for", "seconds"), ("thread", "text")],
        running,
        lambda task: (
            task.key,
            _prefix(task),
            task.state,
            None if task.start_time is None else max(0.0, now - task.start_time),
            threads.get(task.key),
        ),
    )
    columns = [("task", "key"), ("function", "text"), ("priority", "text")]
    for title, held in (("Ready, first to run first", state.ready), ("Waiting for resources", state.constrained)):
        view.table(
            title,
            [*columns, ("resources", "text")],
            smallest(held, MAX_ROWS),
            lambda task: (task.key, _prefix(task), task.priority, _resources(task)),
            total=len(held),
        )
    view.table(
        "Waiting for data",
        [*columns, ("missing inputs", "count"), ("some of them", "text")],
        list(islice(state.waiting, MAX_ROWS)),
        lambda task: (
            task.key,
            _prefix(task),
            task.priority,
            len(task.waiting_for_data),
            ", ".join(str(dependency.key) for dependency in islice(task.waiting_for_data, 5)),
        ),
        total=len(state.waiting),
    )
    view.table(
        "In flight",
        [("task", "key"), ("function", "text"), ("from", "text"), ("size", "bytes")],
        list(islice(state.in_flight_tasks, MAX_ROWS)),
        lambda task: (task.key, _prefix(task), task.coming_from, task.nbytes),
        total=len(state.in_flight_tasks),
    )
    _counts(view, state)
    with view.part("Executors"):
        view.table(
            "Executors",
            [("name", "text"), ("type", "text"), ("threads", "count")],
            sorted(worker.executors.items()),
            lambda item: (item[0], type(item[1]).__name__, getattr(item[1], "_max_workers", None)),
        )


def _counts(view: View, state: Any) -> None:
    counter = getattr(state, "task_counter", None)
    counts: dict[str, int] = {}
    if counter is not None:
        counts = counter.current_count(by_prefix=False)
    else:
        if len(state.tasks) > MAX_SCAN:
            view.note(f"Only {MAX_SCAN} of {len(state.tasks)} tasks were counted by state.")
        for task in list(islice(state.tasks.values(), MAX_SCAN)):
            counts[task.state] = counts.get(task.state, 0) + 1
    view.table("Tasks by state", [("state", "text"), ("tasks", "count")], sorted(counts.items()))


def _prefix(task: Any) -> str:
    name = getattr(task, "prefix", None)
    if name is None:
        from dask.utils import key_split

        name = key_split(task.key)
    return name


def _resources(task: Any) -> str:
    return ", ".join(f"{name}={amount}" for name, amount in (task.resource_restrictions or {}).items())


def history(view: View, worker: Any) -> None:
    """What was executed when, from the state machine's own log."""
    log = worker.state.log
    entries = newest(log, MAX_HISTORY)
    now = time()
    begun: dict[Any, float] = {}
    ended = []
    changes = []
    for entry in entries:
        if len(entry) != 7 or not isinstance(entry[3], str):
            continue
        key, before, _, after, _, _, at = entry
        if before not in _RUNNING and after in _RUNNING:
            begun[key] = at
            changes.append((at, 1))
        elif after not in _RUNNING and after not in _LET_GO and (before in _RUNNING or key in begun):
            ended.append((key, begun.pop(key, None), at, after))
            changes.append((at, -1))
    running = len(worker.state.executing) + len(worker.state.long_running)
    view.fact("Executing", "count", running)
    view.fact("Executed so far", "count", worker.state.executed_count)
    view.fact("Executed within the log", "count", len(ended))
    if entries:
        view.fact("Looked back to", "time", entries[0][-1])
    _chart(view, changes, running, now)
    view.table(
        "Executed, newest first",
        [("task", "key"), ("began", "time"), ("for", "seconds"), ("became", "text")],
        ended[::-1],
        lambda row: (row[0], row[1], None if row[1] is None else row[2] - row[1], row[3]),
    )
    if len(entries) < len(log) or len(log) == getattr(log, "maxlen", None):
        view.note("The log of the worker is bounded: what is older than it is not shown.")


def _chart(view: View, changes: list[tuple[float, int]], running: int, now: float) -> None:
    """How many executed at a time, back from now."""
    times, values = [now], [running]
    for at, change in reversed(newest(changes, 290)):
        times += [at, at]
        values += [running, running - change]
        running = max(0, running - change)
    view.line("Tasks executing", "count", times[::-1], {"executing": values[::-1]})


def state_log(view: View, worker: Any) -> None:
    """What the worker's state machine was told, and what it did about it."""
    state = worker.state
    log, stimuli = state.log, state.stimulus_log
    view.fact("Transitions", "count", state.transition_counter)
    view.fact("In the log", "count", len(log))
    view.fact("Stimuli in the log", "count", len(stimuli))
    entries = newest(log, MAX_LOG)
    now = time()
    if entries:
        view.fact("Rate of the newest entries", "rate", len(entries) / max(now - entries[0][-1], 1e-3))
    kinds: dict[str, int] = {}
    for entry in entries:
        kind = _kind(entry)
        kinds[kind] = kinds.get(kind, 0) + 1
    view.table(
        f"Kinds among the newest {len(entries)}",
        [("what", "text"), ("entries", "count")],
        sorted(kinds.items(), key=lambda item: -item[1]),
    )
    view.table(
        "Newest entries",
        [("time", "time"), ("task", "key"), ("what", "text"), ("then", "text"), ("caused by", "text")],
        newest(entries, MAX_ROWS)[::-1],
        lambda entry: (entry[-1], _subject(entry), _kind(entry), _then(entry), entry[-2]),
        total=len(log),
    )
    with view.part("Stimuli"):
        view.table(
            "Newest stimuli",
            [("time", "time"), ("what", "text"), ("task", "key"), ("caused by", "text")],
            newest(stimuli, MAX_ROWS)[::-1],
            lambda event: (event.handled, type(event).__name__, getattr(event, "key", None), event.stimulus_id),
            total=len(stimuli),
        )


def _kind(entry: tuple[Any, ...]) -> str:
    """A transition, ``before → after``, or the name of something else that was logged."""
    if len(entry) == 7 and isinstance(entry[3], str):
        return f"{entry[1]} → {entry[3]}"
    return str(entry[0] if _of_many(entry) else entry[1])


def _of_many(entry: tuple[Any, ...]) -> bool:
    """An entry about several tasks begins with its name, ("free-keys", keys, …); all others begin with their task."""
    return any(isinstance(member, _COLLECTIONS) for member in entry[1:3])


def _subject(entry: tuple[Any, ...]) -> Any:
    if len(entry) == 7 or not _of_many(entry):
        return entry[0]
    keys = next(member for member in entry[1:3] if isinstance(member, _COLLECTIONS))
    return ", ".join(map(str, islice(keys, 20)))


def _then(entry: tuple[Any, ...]) -> str:
    if len(entry) != 7 or not isinstance(entry[4], dict):
        return ""
    return ", ".join(f"{key} → {state}" for key, state in islice(entry[4].items(), 10))

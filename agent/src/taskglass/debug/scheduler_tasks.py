"""What a scheduler's tasks do: their states, its transitions, what waits."""

from __future__ import annotations

from itertools import islice
from time import monotonic
from typing import Any

from .read import MAX_SCAN, newest, size, smallest, time
from .view import MAX_ROWS, View

MAX_LOG = 2_000  # transitions that rates are made from
SECONDS = 60  # of the chart of transitions


def transitions(view: View, scheduler: Any) -> None:
    log = scheduler.transition_log
    entries = newest(log, MAX_LOG)
    now = time()
    view.fact("Transitions", "count", scheduler.transition_counter)
    view.fact("In the log", "count", len(log))
    if entries:
        cut = len(entries) < len(log) or len(log) == log.maxlen
        view.fact("Log reaches back to", "time", log[0].timestamp)
        recent = sum(1 for entry in entries if entry.timestamp >= now - 10)
        span = min(10.0, max(now - entries[0].timestamp, 1e-3)) if cut else 10.0
        view.fact("Rate, last 10 s", "rate", recent / span)
        _chart(view, entries, now, cut)

    kinds: dict[tuple[str, str], int] = {}
    for entry in entries:
        kind = entry.start, entry.finish
        kinds[kind] = kinds.get(kind, 0) + 1
    view.table(
        f"Kinds among the newest {len(entries)}",
        [("from", "text"), ("to", "text"), ("transitions", "count")],
        sorted(kinds.items(), key=lambda item: -item[1]),
        lambda item: (*item[0], item[1]),
    )
    view.table(
        "Newest transitions",
        [
            ("time", "time"),
            ("task", "key"),
            ("from", "text"),
            ("to", "text"),
            ("then", "text"),
            ("caused by", "text"),
        ],
        newest(entries, MAX_ROWS)[::-1],
        lambda entry: (
            entry.timestamp,
            entry.key,
            entry.start,
            entry.finish,
            _recommendations(entry.recommendations),
            entry.stimulus_id,
        ),
        total=len(log),
    )


def _chart(view: View, entries: list[Any], now: float, cut: bool) -> None:
    """Transitions a second, as far back as the log reaches."""
    end = int(now)  # the second that has just begun is left out
    first = max(end - SECONDS, int(entries[0].timestamp) + 1 if cut else end - SECONDS)
    counts = dict.fromkeys(range(first, end), 0)
    for entry in entries:
        second = int(entry.timestamp)
        if second in counts:
            counts[second] += 1
    view.line("Transitions per second", "rate", [float(second) for second in counts], {"rate": list(counts.values())})


def _recommendations(recommended: Any) -> str:
    if not isinstance(recommended, dict):
        return ""
    states: dict[str, int] = {}
    for state in islice(recommended.values(), MAX_SCAN):
        name = state if isinstance(state, str) else str(state)
        states[name] = states.get(name, 0) + 1
    return ", ".join(f"{count} → {state}" for state, count in states.items())


def states(view: View, scheduler: Any) -> None:
    """Counts as Dask keeps them, a function at a time."""
    names = list(_all_states())
    rows, left = [], MAX_SCAN
    totals = dict.fromkeys(names, 0)
    for prefix in list(scheduler.task_prefixes.values()):
        left -= 1 + (len(prefix.groups) if _slow(prefix) else 0)
        if left < 0:
            view.note("There are too many functions to count them all here; the sums are of those that were counted.")
            break
        counts = prefix.states
        for name in names:
            totals[name] += counts.get(name, 0)
        rows.append((prefix, counts, sum(counts.values())))
    rows.sort(key=lambda row: -row[2])

    view.fact("Tasks", "count", len(scheduler.tasks))
    for name in names:
        view.fact(name.capitalize(), "count", totals[name])
    view.fact("Groups", "count", size(scheduler.task_groups))
    view.fact("Functions", "count", size(scheduler.task_prefixes))
    with view.part("Computations"):
        view.fact("Computations kept", "count", len(scheduler.computations))
    view.table(
        "Functions",
        [
            ("function", "text"),
            *((name, "count") for name in names),
            ("produced", "bytes"),
            ("mean duration", "seconds"),
            ("computed", "seconds"),
            ("suspicious", "count"),
        ],
        rows,
        lambda row: (
            row[0].name,
            *(row[1].get(name, 0) for name in names),
            row[0].nbytes_total,
            _known(row[0].duration_average),
            row[0].all_durations.get("compute", 0.0),
            row[0].suspicious,
        ),
        total=len(scheduler.task_prefixes),
    )
    with view.part("Errors"):
        view.table(
            "Newest errors",
            [("task", "key"), ("exception", "text"), ("workers", "text")],
            list(scheduler.erred_tasks),
            lambda erred: (erred.key, erred.exception_text, ", ".join(sorted(map(str, erred.erred_on or ())))),
        )


def _all_states() -> tuple[str, ...]:
    from distributed import scheduler

    found = getattr(scheduler, "ALL_TASK_STATES", ())
    order = ("released", "waiting", "no-worker", "queued", "processing", "memory", "erred", "forgotten")
    return (*(name for name in order if name in found or not found), *sorted(set(found) - set(order)))


def _slow(prefix: Any) -> bool:
    """Older versions of Dask sum a function's counts up from its groups at every look."""
    return isinstance(getattr(type(prefix), "states", None), property)


def _known(seconds: float) -> float | None:
    """Dask writes -1 for a duration that it does not know."""
    return seconds if seconds >= 0 else None


def queues(view: View, scheduler: Any) -> None:
    """What is ready and has no worker yet."""
    queued, unrunnable = scheduler.queued, scheduler.unrunnable
    view.fact("Queued", "count", len(queued))
    view.fact("Without a worker that may run them", "count", len(unrunnable))
    view.fact("Idle workers", "count", len(scheduler.idle))
    view.fact("Saturated workers", "count", len(scheduler.saturated))
    with view.part("Open slots"):
        view.fact("Workers with open slots", "count", len(scheduler.idle_task_count))
        view.fact("Saturation", "share", scheduler.WORKER_SATURATION)
        if float("inf") == scheduler.WORKER_SATURATION:
            view.note("Saturation is infinite: the scheduler queues nothing and hands tasks to workers at once.")
    view.table(
        "Queued, first to run first",
        [("task", "key"), ("function", "text"), ("priority", "text")],
        smallest(queued, MAX_ROWS),
        lambda task: (task.key, task.prefix.name, task.priority),
        total=len(queued),
    )
    since = getattr(unrunnable, "get", lambda _task: None)
    clock = monotonic()
    view.table(
        "Without a worker that may run them",
        [
            ("task", "key"),
            ("function", "text"),
            ("waiting", "seconds"),
            ("workers", "text"),
            ("hosts", "text"),
            ("resources", "text"),
        ],
        list(islice(unrunnable, MAX_ROWS)),
        lambda task: (
            task.key,
            task.prefix.name,
            None if since(task) is None else clock - since(task),
            _listed(task.worker_restrictions),
            _listed(task.host_restrictions),
            _listed(task.resource_restrictions),
        ),
        total=len(unrunnable),
    )


def _listed(restrictions: Any) -> str:
    if not restrictions:
        return ""
    if isinstance(restrictions, dict):
        return ", ".join(f"{name}={amount}" for name, amount in islice(restrictions.items(), 50))
    return ", ".join(map(str, islice(restrictions, 50)))

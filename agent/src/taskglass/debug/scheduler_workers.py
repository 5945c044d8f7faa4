"""How a scheduler sees its workers: what they have to do, what is stolen from them, how fast data moves."""

from __future__ import annotations

from itertools import islice
from typing import Any

from .read import MAX_SCAN, newest
from .view import MAX_ROWS, View, text

MAX_WORKERS = 5_000  # looked at to find those with most to do


def occupancy(view: View, scheduler: Any) -> None:
    workers = list(islice(scheduler.workers.values(), MAX_WORKERS))
    if len(workers) < len(scheduler.workers):
        view.note(f"Only {MAX_WORKERS} of {len(scheduler.workers)} workers were looked at.")
    threads = scheduler.total_nthreads
    total = scheduler.total_occupancy
    view.fact("Workers", "count", len(scheduler.workers))
    view.fact("Threads", "count", threads)
    view.fact("Occupancy", "seconds", total)
    view.fact("Spread evenly", "seconds", total / threads if threads else None)
    view.fact("Processing", "count", sum(len(worker.processing) for worker in workers))
    view.fact("Idle workers", "count", len(scheduler.idle))
    view.fact("Saturated workers", "count", len(scheduler.saturated))
    idle, saturated = scheduler.idle, scheduler.saturated
    occupied = sorted(((worker.occupancy, worker) for worker in workers), key=lambda row: -row[0])
    view.table(
        "Workers, most to do first",
        [
            ("worker", "text"),
            ("address", "text"),
            ("status", "text"),
            ("is", "text"),
            ("threads", "count"),
            ("occupancy", "seconds"),
            ("processing", "count"),
            ("long running", "count"),
            ("in memory", "count"),
            ("stored", "bytes"),
            ("last heard of", "time"),
        ],
        occupied,
        lambda row: (
            row[1].name,
            row[1].address,
            row[1].status.name,
            "idle" if row[1].address in idle else "saturated" if row[1] in saturated else "",
            row[1].nthreads,
            row[0],
            len(row[1].processing),
            len(row[1].long_running),
            len(row[1].has_what),
            row[1].nbytes,
            row[1].last_seen,
        ),
        total=len(scheduler.workers),
    )


def stealing(view: View, scheduler: Any) -> None:
    extension = scheduler.extensions.get("stealing")
    if extension is None:
        view.note("Work stealing is not loaded in this scheduler.")
        return
    view.fact("On", "text", "stealing" in scheduler.periodic_callbacks)
    with view.part("Stealing"):
        view.fact("Rounds that moved something", "count", extension.count)
        view.fact("Requests under way", "count", len(extension.in_flight))
        view.fact("Tasks that could be stolen", "count", len(extension.key_stealable))
        requests = extension.metrics["request_count_total"]
        costs = extension.metrics["request_cost_total"]
        view.fact("Requests", "count", sum(requests.values()))
        view.fact("Cost of what was asked for", "seconds", sum(costs.values()))
        stealable = list(islice(extension.stealable.values(), MAX_WORKERS))
        view.table(
            "By level",
            [
                ("level", "count"),
                ("with the move", "share"),
                ("tasks now", "count"),
                ("requests", "count"),
                ("cost", "seconds"),
            ],
            list(enumerate(extension.cost_multipliers)),
            lambda item: (
                item[0],
                item[1],
                sum(len(levels[item[0]]) for levels in stealable),
                requests.get(item[0], 0),
                costs.get(item[0], 0.0),
            ),
        )
        view.note("With the move: how long a task of that level takes where its data must travel; 100 % = no longer.")
    with view.part("Log of stealing"):
        events, count = _events(scheduler, "stealing")
        rows = [row for at, event in reversed(newest(events, MAX_ROWS)) for row in _stolen(at, event)]
        view.fact("Events", "count", count)
        view.table(
            "Newest events",
            [
                ("time", "time"),
                ("event", "text"),
                ("task", "key"),
                ("state", "text"),
                ("level", "count"),
                ("cost", "seconds"),
                ("from", "text"),
                ("to", "text"),
            ],
            rows,
        )


def _events(scheduler: Any, topic: str) -> tuple[Any, int]:
    """(time, event) of a topic of Dask's log of events, and how many there have been."""
    broker = getattr(scheduler, "_broker", None)
    if broker is not None:
        held = broker._topics.get(topic)
        return (held.events, held.count) if held is not None else ((), 0)
    return scheduler.events.get(topic, ()), scheduler.event_counts.get(topic, 0)


def _stolen(at: float, event: Any) -> list[tuple[Any, ...]]:
    """The rows of one entry of the log: a tuple whose shape depends on its first member."""
    if not isinstance(event, (tuple, list)) or not event:
        return [(at, event)]
    kind, *rest = event
    if kind == "request" and rest:
        return [
            (at, kind, key, None, level, cost, victim, thief)
            for _, level, key, cost, victim, _, thief, *_ in islice(rest[0], MAX_ROWS)
        ]
    if kind == "reschedule":
        rest = rest[1:]
    if kind in ("stale-response", "already-aborted"):
        key, state, worker, *_ = rest
        return [(at, kind, key, state, None, None, worker)]
    if len(rest) >= 4:
        key, state, victim, thief, *_ = rest
        return [(at, kind, key, state, None, None, victim, thief)]
    return [(at, kind, text(rest))]


def bandwidth(view: View, scheduler: Any) -> None:
    view.fact("Bandwidth, a moving mean", "bytes/s", scheduler.bandwidth)
    pairs = list(islice(scheduler.bandwidth_workers.items(), MAX_SCAN))
    if len(pairs) < len(scheduler.bandwidth_workers):
        view.note(f"Only {MAX_SCAN} of {len(scheduler.bandwidth_workers)} pairs of workers were looked at.")
    workers = scheduler.workers

    def name(address: str) -> Any:
        worker = workers.get(address)
        return address if worker is None else worker.name

    view.fact("Pairs of workers", "count", len(scheduler.bandwidth_workers))
    view.table(
        "Between workers, slowest first",
        [("receiver", "text"), ("sender", "text"), ("bandwidth", "bytes/s")],
        sorted(pairs, key=lambda item: item[1]),
        lambda item: (name(item[0][0]), name(item[0][1]), item[1]),
        total=len(scheduler.bandwidth_workers),
    )
    view.table(
        "By type",
        [("type", "text"), ("bandwidth", "bytes/s")],
        sorted(scheduler.bandwidth_types.items(), key=lambda item: item[1]),
    )
    view.note("Dask measures transfers of more than 1 MB, and reports them with a worker's heartbeat.")

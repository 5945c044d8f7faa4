"""What a worker stores, has spilled, and exchanges with others."""

from __future__ import annotations

import heapq
from itertools import islice
from operator import itemgetter
from typing import Any

from .read import MAX_SCAN, newest, size, type_name
from .view import MAX_ROWS, View

MAX_RESULTS = 10_000  # looked at to find the largest


def stored(view: View, worker: Any) -> None:
    """The largest results, by the size that Dask measured when they came; no value is touched or read from disk."""
    data, tasks = worker.data, worker.state.tasks
    on_disk = getattr(data, "slow", None)
    keys = list(islice(data, MAX_RESULTS))
    if len(keys) < len(data):
        view.note(f"Only {MAX_RESULTS} of {len(data)} results were looked at.")
    view.fact("Stored", "count", len(data))
    view.fact("Size stored", "bytes", worker.state.nbytes)
    if on_disk is not None:
        with view.part("Spilled"):
            view.fact("In memory", "count", len(data.fast))
            view.fact("On disk", "count", len(on_disk))
    with view.part("Actors"):
        view.fact("Actors", "count", len(worker.state.actors))

    found, by_type = [], {}
    for key in keys:
        task = tasks.get(key)
        nbytes = (task.nbytes if task is not None else None) or 0
        kind = None if task is None else task.type
        found.append((nbytes, key, kind))
        sums = by_type.setdefault(kind, [0, 0])
        sums[0] += 1
        sums[1] += nbytes
    in_memory = getattr(data, "fast", None)
    view.table(
        "Largest results",
        [("task", "key"), ("type", "text"), ("size", "bytes"), ("where", "text")],
        heapq.nlargest(MAX_ROWS, found, key=itemgetter(0)),
        lambda row: (row[1], _named(row[2]), row[0], "memory" if in_memory is None or row[1] in in_memory else "disk"),
        total=len(data),
    )
    view.table(
        "By type",
        [("type", "text"), ("results", "count"), ("size", "bytes")],
        sorted(by_type.items(), key=lambda item: -item[1][1]),
        lambda item: (_named(item[0]), *item[1]),
    )


def _named(kind: type | None) -> str | None:
    return None if kind is None else type_name(kind)


def transfers(view: View, worker: Any) -> None:
    state = worker.state
    incoming, outgoing = worker.transfer_incoming_log, worker.transfer_outgoing_log
    view.fact("Coming in now", "count", state.transfer_incoming_count)
    view.fact("Size coming in now", "bytes", state.transfer_incoming_bytes)
    view.fact("Going out now", "count", worker.transfer_outgoing_count)
    view.fact("Size going out now", "bytes", worker.transfer_outgoing_bytes)
    view.fact("Came in so far", "count", state.transfer_incoming_count_total)
    view.fact("Went out so far", "count", worker.transfer_outgoing_count_total)
    with view.part("Bytes that went out"):
        view.fact("Size gone out so far", "bytes", worker.transfer_outgoing_bytes_total)
    view.fact("Limit of transfers at a time", "count", state.transfer_incoming_count_limit)
    view.fact("Bandwidth, a moving mean", "bytes/s", worker.bandwidth)

    # Dask writes the log in the scheduler's time.
    delay = worker.scheduler_delay
    moved = [("in", entry) for entry in newest(incoming, MAX_ROWS)]
    moved += [("out", entry) for entry in newest(outgoing, MAX_ROWS)]
    moved.sort(key=lambda row: row[1]["stop"])
    view.line(
        "Bandwidth of each transfer",
        "bytes/s",
        [entry["stop"] - delay for _, entry in moved],
        {side: [entry["bandwidth"] if way == side else None for way, entry in moved] for side in ("in", "out")},
    )
    view.table(
        "Newest transfers",
        [
            ("began", "time"),
            ("way", "text"),
            ("peer", "text"),
            ("size", "bytes"),
            ("took", "seconds"),
            ("bandwidth", "bytes/s"),
            ("results", "count"),
            ("some of them", "text"),
        ],
        moved[::-1],
        lambda row: (
            row[1]["start"] - delay,
            row[0],
            row[1]["who"],
            row[1]["total"],
            row[1]["duration"],
            row[1]["bandwidth"],
            len(row[1]["keys"]),
            ", ".join(map(str, islice(row[1]["keys"], 5))),
        ),
        total=len(incoming) + len(outgoing),
    )
    peers: dict[Any, list[float]] = {}
    for way, log in (("in", incoming), ("out", outgoing)):
        for entry in newest(log, 2_000):
            sums = peers.setdefault((entry["who"], way), [0, 0, 0.0])
            sums[0] += 1
            sums[1] += entry["total"]
            sums[2] += entry["duration"]
    view.table(
        "By peer, within the log",
        [
            ("peer", "text"),
            ("way", "text"),
            ("transfers", "count"),
            ("size", "bytes"),
            ("took", "seconds"),
            ("bandwidth", "bytes/s"),
        ],
        sorted(peers.items(), key=lambda item: -item[1][1]),
        lambda item: (*item[0], *item[1], item[1][1] / item[1][2] if item[1][2] else None),
    )


def spill(view: View, worker: Any) -> None:
    """When the worker writes results to disk, and how it went."""
    manager, data = worker.memory_manager, worker.data
    limit = manager.memory_limit
    process = worker.monitor.get_process_memory() if hasattr(worker.monitor, "get_process_memory") else None
    view.fact("Memory limit", "bytes", limit)
    view.fact("Memory of the process", "bytes", process)
    view.fact("Status", "text", worker.status.name)
    with view.part("Thresholds"):
        thresholds = (
            ("target: the oldest results go to disk", manager.memory_target_fraction),
            ("spill: the same, by the memory of the process", manager.memory_spill_fraction),
            ("pause: no task is begun", manager.memory_pause_fraction),
        )
        view.table(
            "Thresholds",
            [("threshold", "text"), ("share of the limit", "share"), ("memory", "bytes")],
            [(name, share or None, share * limit if share and limit else None) for name, share in thresholds],
        )
        view.fact("Most that may be on disk", "bytes", manager.max_spill or None)
    if not hasattr(data, "slow"):
        view.note("This worker does not spill: it has no memory limit, or its data is kept in something of its own.")
        return
    with view.part("Spilled"):
        total = data.spilled_total
        view.fact("Results in memory", "count", len(data.fast))
        view.fact("Results on disk", "count", len(data.slow))
        view.fact("Size in memory", "bytes", getattr(data.fast, "total_weight", None))
        view.fact("On disk, as they were in memory", "bytes", total.memory)
        view.fact("On disk, as they are written", "bytes", total.disk)
        view.fact("Results that could not be pickled", "count", size(data.logged_pickle_errors))
    with view.part("Disk accesses"):
        _show_accesses(view, data)
    with view.part("Results on disk"):
        weights = _slow(data).weight_by_key
        view.table(
            "Largest results on disk",
            [("task", "key"), ("in memory", "bytes"), ("on disk", "bytes")],
            heapq.nlargest(MAX_ROWS, islice(weights.items(), MAX_SCAN), key=lambda item: item[1].disk),
            lambda item: (item[0], item[1].memory, item[1].disk),
            total=len(weights),
        )


def _slow(data: Any) -> Any:
    slow = getattr(data, "_slow_uncached", None)
    if slow is None:
        slow = getattr(data.slow, "data", data.slow)
    return slow


def _show_accesses(view: View, data: Any) -> None:
    """Sums since the worker's start; how Dask names and keeps them changed in 2023."""
    metrics = getattr(data, "cumulative_metrics", None)
    if metrics is None:
        rows = [
            (f"{side} {name.replace('_total', '').replace('_', ' ')}", value)
            for side, held in (("memory", data.fast_metrics), ("disk", _slow(data).metrics))
            for name, value in vars(held).items()
        ]
        named = [(name, "seconds" if name.endswith("time") else name.rsplit(" ", 1)[1], value) for name, value in rows]
    else:
        named = [(label, unit, value) for (label, unit), value in metrics.items()]
    by_label: dict[str, dict[str, Any]] = {}
    for label, unit, value in named:
        label = label.replace(" count", "").replace(" bytes", "").replace(" time", "")
        by_label.setdefault(label, {})[unit] = value
    view.table(
        "Accesses so far",
        [("what", "text"), ("times", "count"), ("size", "bytes"), ("took", "seconds")],
        sorted(by_label.items()),
        lambda item: (item[0], item[1].get("count"), item[1].get("bytes"), item[1].get("seconds")),
    )

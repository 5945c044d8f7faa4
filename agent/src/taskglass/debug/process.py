"""What the process takes of its machine."""

from __future__ import annotations

import gc
import os
import platform
import sys
import threading
from typing import Any

import distributed

from .read import newest, time
from .view import View

POINTS = 240  # two minutes at Dask's interval
MAX_FILES = 2_000  # descriptors looked at


def show(view: View, server: Any) -> None:
    """CPU, memory, garbage collector, threads and open files."""
    show_monitor(view, server)
    view.fact("Process", "text", os.getpid())
    view.fact("Python", "text", platform.python_version())
    view.fact("distributed", "text", distributed.__version__)
    with view.part("Process"):
        process = server.monitor.proc
        with process.oneshot():
            view.fact("Running for", "seconds", max(0.0, time() - process.create_time()))
            used = process.cpu_times()
            view.fact("CPU, user", "seconds", used.user)
            view.fact("CPU, system", "seconds", used.system)
            view.fact("Virtual memory", "bytes", process.memory_info().vms)
            view.fact("Threads", "count", process.num_threads())
    _show_threads(view, server)
    _show_collector(view)
    _show_files(view)


def show_monitor(view: View, server: Any) -> None:
    """What Dask's SystemMonitor has sampled, every 500 ms by default."""
    with view.part("Monitor"):
        quantities = server.monitor.quantities
        recent = {name: values[-1] for name, values in quantities.items() if values}
        view.fact("CPU", "percent", recent.get("cpu"))
        view.fact("Memory", "bytes", recent.get("memory"))
        view.fact("Open files", "count", recent.get("num_fds"))
        view.fact("Network of the host, read", "bytes/s", recent.get("host_net_io.read_bps"))
        view.fact("Network of the host, written", "bytes/s", recent.get("host_net_io.write_bps"))
        view.fact("Disk of the host, read", "bytes/s", recent.get("host_disk_io.read_bps"))
        view.fact("Disk of the host, written", "bytes/s", recent.get("host_disk_io.write_bps"))
        if "gil_contention" in recent:
            view.fact("Contention for the interpreter", "share", recent["gil_contention"])
        else:
            view.note("Contention for the interpreter's lock is measured only where gilknocker is installed.")

        times = newest(quantities["time"], POINTS)

        def line(title: str, unit: str, **names: str) -> None:
            lines = {label: newest(quantities[name], POINTS) for label, name in names.items() if name in quantities}
            if lines:
                view.line(title, unit, times, lines)

        line("CPU", "percent", cpu="cpu")
        line("Memory", "bytes", memory="memory")
        line("Network of the host", "bytes/s", read="host_net_io.read_bps", written="host_net_io.write_bps")
        line("Disk of the host", "bytes/s", read="host_disk_io.read_bps", written="host_disk_io.write_bps")
        line("Open files", "count", open="num_fds")
        line("Contention for the interpreter", "share", contention="gil_contention")


def _show_threads(view: View, server: Any) -> None:
    with view.part("Threads"):
        used = {thread.id: thread.user_time + thread.system_time for thread in server.monitor.proc.threads()}
        loop = getattr(server, "thread_id", None)
        view.table(
            "Threads",
            [("name", "text"), ("role", "text"), ("daemon", "text"), ("CPU", "seconds")],
            sorted(threading.enumerate(), key=lambda thread: -used.get(thread.native_id, 0.0)),
            lambda thread: (
                thread.name,
                "event loop" if thread.ident == loop else "",
                thread.daemon,
                used.get(thread.native_id),
            ),
        )


def _show_collector(view: View) -> None:
    with view.part("Garbage collector"):
        view.fact("Garbage collector runs", "text", gc.isenabled())
        view.fact("Objects set aside from it", "count", gc.get_freeze_count())
        rows = zip(range(3), gc.get_count(), gc.get_threshold(), gc.get_stats())
        view.table(
            "Garbage collector",
            [
                ("generation", "count"),
                ("objects now", "count"),
                ("threshold", "count"),
                ("collections", "count"),
                ("collected", "count"),
                ("uncollectable", "count"),
            ],
            rows,
            lambda row: (*row[:3], row[3]["collections"], row[3]["collected"], row[3]["uncollectable"]),
            total=3,
        )
    with view.part("Time spent in full collections"):
        view.fact("Full collections took", "seconds", _collecting())


def _collecting() -> float | None:
    """Measured by Dask, where it does; None elsewhere."""
    for name in ("distributed.gc", "distributed.utils_perf"):
        timer = getattr(getattr(sys.modules.get(name), "_gc_diagnosis", None), "_fractional_timer", None)
        total = getattr(timer, "duration_total", None)
        if isinstance(total, (int, float)):
            return float(total)
    return None


def _show_files(view: View) -> None:
    folder = "/proc/self/fd"
    try:
        descriptors = os.listdir(folder)
    except OSError:
        view.note("Which files are open is shown on Linux only.")
        return
    kinds: dict[str, int] = {}
    files = []
    for descriptor in descriptors[:MAX_FILES]:
        try:
            target = os.readlink(f"{folder}/{descriptor}")
        except OSError:
            continue  # closed meanwhile
        kind = "file" if target.startswith("/") else target.split(":", 1)[0]
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind == "file":
            files.append((int(descriptor), target))
    view.fact("Descriptors open", "count", len(descriptors))
    with view.part("Limit of open files"):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        view.fact("Limit of descriptors", "count", None if limit == resource.RLIM_INFINITY else limit)
    if len(descriptors) > MAX_FILES:
        view.note(f"Only {MAX_FILES} of {len(descriptors)} open files were looked at.")
    view.table(
        "Open files by kind", [("kind", "text"), ("open", "count")], sorted(kinds.items(), key=lambda item: -item[1])
    )
    view.table("Open files", [("descriptor", "count"), ("file", "text")], sorted(files))

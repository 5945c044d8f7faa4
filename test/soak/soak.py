"""Runs inside the scheduler that a soak watches: counts by itself what finishes, and makes tasks finish that nobody runs."""

import sys
from time import time

from distributed.diagnostics.plugin import SchedulerPlugin


class Counter(SchedulerPlugin):
    """Tasks that finished, as the scheduler says it to its plugins."""

    name = "soak-counter"
    finished = 0

    def transition(self, key, start, finish, *args, **kwargs):
        if start == "processing" and finish in ("memory", "erred") and (finish == "erred" or kwargs.get("startstops")):
            self.finished += 1


def install(dask_scheduler):
    dask_scheduler.add_plugin(Counter())


def finished(dask_scheduler):
    return dask_scheduler.plugins["soak-counter"].finished


def inject(dask_scheduler, first, count, seconds=0.01, threads=4):
    """As if workers had run so many tasks; the scheduler forgets them at once."""
    s = dask_scheduler
    workers = list(s.workers)
    if not workers:
        return
    now = time()
    plugins = list(s.plugins.values())
    for i in range(first, first + count):
        key = f"injected-{i}"
        ts = s.new_task(key, None, "released")
        ts.state = "memory"
        ts.nbytes = 8
        startstops = ({"action": "compute", "start": now - seconds, "stop": now},)
        for plugin in plugins:
            plugin.transition(
                key,
                "processing",
                "memory",
                stimulus_id="soak",
                worker=workers[i % len(workers)],
                nbytes=8,
                thread=i // len(workers) % threads,
                typename="int",
                type=b"",
                status="OK",
                startstops=startstops,
            )
        for plugin in plugins:
            plugin.transition(key, "memory", "forgotten", stimulus_id="soak")
        ts.state = "forgotten"
        ts.group.states["released"] -= 1
        del s.tasks[key]


def size_of_agents(dask_scheduler):
    """Bytes of everything that our agents hold, without what is the scheduler's."""
    seen, total = set(), 0
    todo = [plugin for name, plugin in dask_scheduler.plugins.items() if name.startswith("taskglass")]
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        module = type(thing).__module__
        if isinstance(thing, (dict, list, tuple, set, frozenset)) or type(thing).__name__ in ("deque", "array"):
            total += sys.getsizeof(thing)
            todo += list(thing.keys()) + list(thing.values()) if isinstance(thing, dict) else []
            todo += list(thing) if not isinstance(thing, dict) and type(thing).__name__ != "array" else []
        elif isinstance(thing, (str, bytes, bytearray, int, float)):
            total += sys.getsizeof(thing)
        elif module.split(".")[0] not in ("distributed", "tornado", "asyncio", "builtins", "_asyncio"):
            total += sys.getsizeof(thing)
            todo += list(getattr(thing, "__dict__", {}).values())
    return total

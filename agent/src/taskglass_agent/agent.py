"""What Taskglass runs inside a Dask scheduler.

The modules of this package are joined into one text, shipped through the scheduler's own ``feed`` op (``setup`` ->
:class:`Agent`, then ``Agent.tick`` every interval, at the end ``Agent.detach``) and exec'd there. So together they
must stay self-contained (the standard library, msgpack and distributed, nothing else), share one namespace and
import one another only by ``from .module import names``. It all runs unchanged on distributed 2022.12 to today's, on
Python 3.8 and later.

A tick returns one ``bytes``: a msgpack map with numeric columns packed little-endian, or ``None`` when
nothing changed. ``docs/dask-protocol.md`` describes the map. Nothing in it needs pickle to be read.

It runs in the scheduler's event loop, so everything here is bounded per tick and nothing may raise.
"""

import asyncio
import sys
import uuid
from time import perf_counter, thread_time

from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.metrics import time

from .cost import Cost
from .farewell import Farewell, reason
from .hook import Hook
from .intake import Intake
from .limits import MAX_BACKLOG, MAX_ERRORS, MAX_LOG, MAX_RECORDS, NAN
from .links import Links
from .memory import Memory
from .past import Past, finished_count
from .prefixes import Prefixes
from .records import Records
from .running import Running
from .tables import Tables, pack, text
from .workers import Workers, services

VERSION = 1


class Agent(SchedulerPlugin):
    """One watcher's plugin. Lives exactly as long as its connection."""

    idempotent = False

    def __init__(self, scheduler, comm, interval, opts=None):
        opts = opts or {}
        self.name = "taskglass-" + uuid.uuid4().hex  # add_plugin overwrites by name
        self.scheduler = scheduler
        self.comm = comm
        self.interval = interval
        self.detached = False
        self.errors_in_a_row = 0
        self.farewell = None
        self.log = []
        self.last_end = None
        self.tables = Tables(scheduler)
        self.links = Links(scheduler.tasks) if opts.get("links") else None
        self.records = Records(scheduler.tasks, self.tables, self.links)
        self.memory = Memory(scheduler)
        self.prefixes = Prefixes(scheduler, self.tables, self.memory)
        self.running = Running(self.tables)
        self.workers = Workers(scheduler, self.tables, self.running)
        self._begin_anew()
        self.intake = Intake(self.records, self.memory, self.running.announced)
        self.hook = hook = Hook(self, scheduler, self.intake, self.memory, self.running.announced)
        self.transition = hook.transition
        self.cost = Cost(hook, scheduler.transition_counter)
        self.cpu0 = 0.0  # when this tick began
        # Both in one synchronous step: what finishes from here on reaches the hook, what finished before is here.
        self.past = Past(scheduler, self.tables, opts.get("resume"))
        scheduler.add_plugin(self, name=self.name)

    # ------------------------------------------------------------------ cluster events
    def _note(self, topic, what):
        if len(self.log) < MAX_LOG:
            self.log.append((time(), topic, text(what)))

    # What another Dask may pass besides is not looked at.
    def add_worker(self, scheduler=None, worker=None, *args, **kw):
        self.workers.changed = True
        self._note("worker", f"added {worker}")

    def remove_worker(self, scheduler=None, worker=None, *args, **kw):
        self.workers.changed = True
        self.running.forget(worker)
        self._note("worker", f"removed {worker}")

    def add_client(self, scheduler=None, client=None, *args, **kw):
        self._note("client", f"connected {client}")

    def remove_client(self, scheduler=None, client=None, *args, **kw):
        self._note("client", f"disconnected {client}")

    def update_graph(self, scheduler=None, *args, **kw):
        try:
            tasks = kw.get("tasks") or kw.get("keys") or ()
            self._note("graph", f"{len(tasks)} tasks from {kw.get('client')}")
        except Exception:
            self._note("graph", "tasks were submitted")

    def restart(self, scheduler=None, *args, **kw):
        self.workers.changed = True
        try:
            self.intake.absorb()
        except Exception as e:
            self.intake.error = e
        self.memory.restart()
        if self.links is not None:
            self.links.restart()
        self._note("cluster", "restarted")

    # ------------------------------------------------------------------ ticks
    def backlog(self):
        try:
            stream = getattr(self.comm, "stream", None)
            if stream is not None:
                return len(stream._write_buffer)
            return self.comm._protocol._transport.get_write_buffer_size()  # the asyncio backend, until 2023.11
        except Exception:
            return 0

    def tick(self, scheduler):
        """Raises only when the agent leaves, better gone than wrong; ``feed`` takes that for a closed connection."""
        if self.farewell is None:
            try:
                return self._tick_or_say_why_not(scheduler)
            except Exception as e:
                self.farewell = Farewell(self.comm, e)
                self.detach(scheduler)
        return self.farewell.tick(scheduler)

    def _tick_or_say_why_not(self, scheduler):
        t0 = perf_counter()
        self.cpu0 = cpu0 = thread_time()
        cost = self.cost
        if self.last_end is not None:
            cost.max_lag = max(cost.max_lag, t0 - self.last_end - self.interval)
        try:
            self.intake.absorb()
            error, self.intake.error = self.intake.error, None
            if error is not None:  # of the hook's
                raise error
            if self.links is not None:
                self.links.settle()
            # None is one byte on the wire, and keeps the scheduler's own check that we are alive going.
            out = None if self.backlog() > MAX_BACKLOG else self._tick(scheduler)
            self.errors_in_a_row = 0
        except Exception as e:
            self.errors_in_a_row += 1
            out = pack({"t": time(), "error": reason(e)})
            self._lose_everything()
            if self.errors_in_a_row > MAX_ERRORS:
                raise
        cost.cpu += thread_time() - cpu0
        self.last_end = perf_counter()
        return out

    def _begin_anew(self):
        """The peer knows nothing yet."""
        self.tables.begin_anew()
        self.running.begin_anew()
        self.workers.begin_anew()
        self.prefixes.begin_anew()
        self.hello = True
        self.last_state = None
        self.slow_time = 0.0

    def _lose_everything(self):
        """A tick failed half way: what it had taken is lost and counted."""
        self.records.lose()
        self.past.records.clear()
        self.log.clear()
        self._begin_anew()

    def _tick(self, s):
        now = time()
        msg = {}
        records, memory, workers = self.records, self.memory, self.workers
        if self.hello:
            msg["hello"] = self._hello(s)
        done = records.take(MAX_RECORDS)
        if done:
            msg["done"] = done
            self.hook.time_one()
            self.cost.add_encoded(len(done["status"]), thread_time() - self.cpu0)
        if self.past.entries:
            past = self.past.take()
            if past:
                msg["past"] = past
        if self.log:
            msg["log"] = self.log[:]
            self.log.clear()
        dropped = records.dropped
        if dropped:
            msg["dropped"] = dropped
        if memory.to_scan:
            memory.scan()
        if workers.changed:
            workers.refresh(msg)
        beats = workers.heartbeats(msg)
        # Counts can only have changed when the scheduler made a transition, or was given data.
        counter = s.transition_counter
        state = (counter, len(s.tasks), len(s.task_prefixes))
        if state != self.last_state or memory.recounted:
            self.last_state, memory.recounted = state, False
            self.prefixes.look_at_all()
            workers.look_at_all()
        prefixes = self.prefixes.take()
        if prefixes:
            msg["p"] = prefixes
        workers.visit(msg, beats, now)
        run = self.running.take()
        if run:
            msg["run"] = run
        self._slow(s, msg, now)
        may_reset = not records.keys
        tables = self.tables.flush(may_reset)
        if tables:
            msg["i"] = tables
        if not msg:
            return None
        msg["t"] = now
        if may_reset:  # all that finished until here has been sent
            msg["tc"] = counter
            msg["index"] = getattr(s.plugins.get("task-stream"), "index", None)
        out = pack(msg)
        self.hello = False
        records.dropped -= dropped
        records.delivered = records.sent
        return out

    def _hello(self, s):
        import distributed
        from distributed.scheduler import TaskState

        gap, self.past.gap = self.past.gap, None
        return {
            "agent": VERSION,
            "version": text(distributed.__version__),
            "python": list(sys.version_info[:3]),
            "id": text(s.id),
            "address": text(s.address),
            "started": float(s.time_started),
            "interval": self.interval,
            "byteorder": sys.byteorder,
            "services": services({k: v.port for k, v in s.services.items()}),
            "runs_functions": "run_function" not in (s.blocked_handlers or ()),
            "tells_runs_apart": hasattr(TaskState, "run_id"),
            "gap": gap,
            # So that the peer can tell what went away while nobody watched.
            "workers": [text(a) for a in s.workers],
            "prefixes": [text(p) for p in s.task_prefixes],
        }

    def _slow(self, s, msg, now):
        """What is said once a second."""
        if now - self.slow_time < 1 and not self.hello:
            return
        self.slow_time = now
        self.memory.balance_of.clear()
        q = s.monitor.quantities
        last = {k: float(q[k][-1]) if q.get(k) else NAN for k in ("cpu", "memory")}
        msg["s"] = (
            len(s.clients),
            len(s.idle),
            len(s.saturated),
            float(s.total_occupancy),
            last["cpu"],
            last["memory"],
        )
        msg["cost"] = self.cost.take(s.transition_counter)
        msg["finished"] = finished_count(s)

    # ------------------------------------------------------------------ the end
    async def close(self):
        """The scheduler shuts down: let feed() leave its sleep by itself, its cancellation would be logged as an
        error."""
        for _ in range(8):
            if self.detached:
                return
            await asyncio.sleep(self.interval / 4)

    def detach(self, scheduler):
        self.detached = True
        try:
            scheduler.remove_plugin(name=self.name)
        except Exception:
            scheduler.plugins.pop(self.name, None)


def setup(scheduler):
    """What ``feed`` calls first, synchronously and from its own frame, which has the connection. Never raises."""
    try:
        comm = sys._getframe(1).f_locals["comm"]
    except Exception:
        comm = next((c for c, op in scheduler._comms.items() if op == "feed"), None)
    try:
        return Agent(scheduler, comm, globals().get("__interval__", 0.1), globals().get("__opts__"))
    except Exception as e:
        return Farewell(comm, e)

"""What Taskglass runs inside a Dask scheduler.

This one file is shipped as text through the scheduler's own ``feed`` op (``setup`` -> :class:`Agent`,
then ``Agent.tick`` every interval, at the end ``Agent.detach``) and exec'd there, so it must stay
self-contained: the standard library, msgpack and distributed, nothing else. It runs unchanged on
distributed 2022.12 to today's, on Python 3.8 and later.

A tick returns one ``bytes``: a msgpack map with numeric columns packed little-endian, or ``None`` when
nothing changed. ``docs/dask-protocol.md`` describes the map. Nothing in it needs pickle to be read.

It runs in the scheduler's event loop, so everything here is bounded per tick and nothing may raise.
"""

import asyncio
import sys
import uuid
from array import array
from collections import defaultdict
from itertools import islice
from time import perf_counter, thread_time

import msgpack
from dask.utils import key_split
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.metrics import time
from distributed.utils import key_split_group

VERSION = 1
STATES = ("waiting", "no-worker", "queued", "processing", "memory", "released", "erred")
NAN = float("nan")
INF = float("inf")

MAX_INTERNED = 50_000  # strings per table before the table is begun anew
MAX_BACKLOG = 8 << 20  # unsent bytes on our socket above which nothing more is written
MAX_PENDING = 200_000  # records held while the peer does not read; more are counted as dropped
MAX_RECORDS = 5_000  # records sent per tick
MAX_PAST = 1_000  # records per tick of the scheduler's own buffer
MAX_KEY = 4_096  # characters of a key
MAX_EXCEPTION = 4_000  # characters
MAX_TRACEBACK = 20_000  # characters, the last ones
MAX_ERROR_TEXT = 4 << 20  # characters of error texts per tick
MAX_WORKERS = 64  # workers visited per tick
MAX_ROWS = 256  # heartbeats, and worker descriptions, sent per tick
MAX_STARTED = 1_000  # running tasks announced per tick
MAX_EXECUTING = 1_000  # running tasks looked at per worker
MAX_LOG = 200  # log entries per tick
MAX_SCATTERED = 20_000  # newest tasks looked at for scattered data
PREFIX_BUDGET = 0.0005  # seconds per tick for the counts of prefixes
SCAN_CHUNK = 5_000  # tasks per tick of the first look at what is in memory
RUNNING_AFTER = 0.1  # seconds that a task must run before it is announced: shorter ones only finish
RESTART_TOLERANCE = 0.02  # seconds by which a heartbeat's start must differ to be sent again
SAMPLE_EVERY = 64  # one finished task in this many is timed; a power of two


def pack(obj):
    return msgpack.packb(obj, use_bin_type=True, default=str)


def text(value, limit=1_000):
    """Any value of a cluster's as a bounded str that UTF-8 can carry."""
    s = (value if type(value) is str else str(value))[:limit]
    try:
        s.encode()
    except UnicodeEncodeError:
        s = s.encode(errors="replace").decode()
    return s


class Intern(dict):
    """Value -> small int. New values are announced in the next message; ids are positions."""

    def __init__(self):
        self.new = []
        self.reset = True

    def __missing__(self, value):
        i = self[value] = len(self)
        self.new.append(value)
        return i

    def flush(self, may_reset, encode):
        """[begin anew?, new values], or None when there is nothing to announce."""
        out = None
        if self.new:
            out = [self.reset, [encode(v) for v in self.new]]
            self.new, self.reset = [], False
        if may_reset and len(self) > MAX_INTERNED:  # ids sent stay valid up to and including this message
            self.clear()
            self.reset = True
        return out


class Records:
    """Finished tasks in columns; start/stops and the origins of transfers are flattened."""

    PER_RECORD = (("group", "I"), ("lane", "I"), ("type", "I"), ("status", "B"), ("nss", "H"), ("nbytes", "d"))
    PER_STARTSTOP = (("action", "B"), ("start", "d"), ("stop", "d"))

    def __init__(self):
        self.cols = {name: array(code) for name, code in self.PER_RECORD + self.PER_STARTSTOP}
        self.origin = array("I")  # one per transfer
        self.transfers = array("H")  # per record, how many of its start/stops are transfers
        self.keys = []
        self.errors = []  # (ordinal, exception, traceback)
        self.sent = 0  # ordinal of the first record that is held

    def __len__(self):
        return len(self.keys)

    def trim(self):
        """Drops what a record that failed half way left behind: a record exists once its key does."""
        n = len(self.keys)
        for name, _ in self.PER_RECORD:
            del self.cols[name][n:]
        del self.transfers[n:]
        m = sum(self.cols["nss"])
        for name, _ in self.PER_STARTSTOP:
            del self.cols[name][m:]
        del self.origin[sum(self.transfers) :]

    def clear(self):
        for col in self.cols.values():
            del col[:]
        del self.origin[:], self.transfers[:]
        self.sent += len(self.keys)
        self.keys.clear()
        self.errors.clear()

    def take(self, limit):
        """The oldest records as a message, removed from here; None when there are none."""
        n = min(len(self.keys), limit)
        if not n:
            return None
        m = sum(self.cols["nss"][:n])
        o = sum(self.transfers[:n])
        out = {}
        for name, _ in self.PER_RECORD:
            out[name] = self.cols[name][:n].tobytes()
            del self.cols[name][:n]
        for name, _ in self.PER_STARTSTOP:
            out[name] = self.cols[name][:m].tobytes()
            del self.cols[name][:m]
        out["origin"] = self.origin[:o].tobytes()
        del self.origin[:o], self.transfers[:n]
        out["key"] = [k if type(k) is str and len(k) < 256 and k.isascii() else text(k, MAX_KEY) for k in self.keys[:n]]
        del self.keys[:n]
        errors, room = [], MAX_ERROR_TEXT
        while self.errors and self.errors[0][0] < self.sent + n:
            ordinal, exception, traceback = self.errors.pop(0)
            room -= len(exception) + len(traceback)
            errors.append((ordinal - self.sent, exception, traceback if room > 0 else ""))
        if errors:
            out["err"] = errors
        self.sent += n
        return out


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
        self.dropped = 0
        self.delivered = 0  # ordinal up to which records have left
        self.log = []
        # In the order in which they are announced: a lane names a worker.
        self.tables = {name: Intern() for name in ("group", "lane", "type", "worker", "prefix", "action")}
        self.group_prefix = {}  # of the groups that are not announced yet
        self.records = Records()
        self.past = Records()
        # Results in memory, per prefix. Dask keeps no such number: nbytes_total never falls on release.
        self.came, self.left, self.forgot = [], [], []  # TaskStates, since the last tick
        self.forgotten = defaultdict(int)
        self.mem_count = defaultdict(int)
        self.mem_bytes = defaultdict(int)
        self.scattered = {}  # prefix -> [count, bytes]
        self.strangers = {}  # prefix -> how many of its tasks in memory the hook did not see come
        self.scatter_time = 0.0
        self.scatter_changed = False
        self.to_scan = [ts for ts in scheduler.tasks.values() if ts.state == "memory" and ts.run_spec is not None]
        self.unscanned = {id(ts) for ts in self.to_scan}
        group_prefix, worker_ids = self.group_prefix, self.tables["worker"]
        self._encoders = {
            "group": lambda g: (text(g), text(group_prefix.get(g, g))),
            "lane": lambda lane: (worker_ids[lane[0]], float(lane[1] or 0)),
            "type": lambda t: "" if t is None else text(t),
            "worker": lambda w: "" if w is None else text(w),
            "prefix": text,
            "action": text,
        }
        self.running = {}  # address -> {key: (TaskState, start, exact)}: announced
        self.candidates = {}  # the same, not announced yet
        self._begin_anew()
        self._build_hook()
        self._calibrate()
        self.cpu = self.max_lag = self.encode_cpu = 0.0
        self.encoded = 0
        self.cost_time = perf_counter()
        self.cost_counter = scheduler.transition_counter
        self.last_end = None
        # Both in one synchronous step: what finishes from here on reaches the hook, what finished before is here.
        self.past_entries, self.past_flag, self.gap = self._look_back(opts.get("resume"))
        self.past_at = 0
        scheduler.add_plugin(self, name=self.name)

    # ------------------------------------------------------------------ the hook
    def _build_hook(self):
        """``transition`` as an instance attribute that closes over bound appends: no lookups through self."""
        scheduler = self.scheduler
        tasks = scheduler.tasks
        records, tables = self.records, self.tables
        groups, lanes, types = tables["group"], tables["lane"], tables["type"]
        actions, workers = tables["action"], tables["worker"]
        cols = records.cols
        a_group, a_lane, a_type = cols["group"].append, cols["lane"].append, cols["type"].append
        a_status, a_nss, a_nbytes = cols["status"].append, cols["nss"].append, cols["nbytes"].append
        a_action, a_start, a_stop = cols["action"].append, cols["start"].append, cols["stop"].append
        a_origin, a_transfers = records.origin.append, records.transfers.append
        keys = records.keys
        a_key = keys.append
        running, group_prefix = self.running, self.group_prefix
        a_came, a_left, a_forgotten = self.came.append, self.left.append, self.forgot.append
        sample = self.sample = [0.0, 0]  # seconds, calls
        mask = SAMPLE_EVERY - 1
        add = self._add

        # stimulus_id is named because every call has one, and the rest is not because few calls have it: a keyword
        # that goes to **kw costs more than all that is done here for most transitions.
        def transition(key, start, finish, *args, stimulus_id=None, **kw):
            try:
                if finish != "memory" and finish != "erred":
                    if start == "memory":
                        a_left(tasks[key])
                    if finish == "forgotten" and start != "erred":
                        a_forgotten(tasks[key])
                    return
                # A late result of a task that was sent back to waiting is a run as well. Dependents of an erred
                # task become erred without one.
                if start != "processing" and (finish == "erred" or not kw.get("startstops")):
                    return
                n = len(keys)
                timed = not n & mask
                if timed:
                    t0 = thread_time()
                ts = tasks[key]
                if finish == "memory":
                    a_came(ts)
                if n >= MAX_PENDING:
                    self.dropped += 1
                    return
                worker = kw.get("worker")
                mine = running.get(worker)
                if mine:
                    mine.pop(key, None)
                if finish == "erred":
                    add(records, key, finish, kw)
                    return
                group = ts.group
                name = group.name
                if name not in groups:
                    group_prefix[name] = group.prefix.name
                a_group(groups[name])
                a_lane(lanes[worker, kw["thread"]])
                a_type(types[kw["typename"]])
                a_nbytes(kw["nbytes"])
                count = transfers = 0
                for s in kw["startstops"]:
                    action = s["action"]
                    a_action(actions[action])
                    a_start(s["start"])
                    a_stop(s["stop"])
                    if action == "transfer":
                        a_origin(workers[s.get("source")])
                        transfers += 1
                    count += 1
                a_transfers(transfers)
                a_nss(count)
                a_status(0)
                a_key(key)  # last: a record exists once its key does
                if timed:
                    sample[0] += thread_time() - t0
                    sample[1] += 1
            except Exception:
                self._odd_transition(key, finish, kw)

        self.transition = transition

    def _erred(self, records, worker, kw):
        exception, traceback = kw.get("exception_text"), kw.get("traceback_text")
        if not exception:  # its worker died under it: the scheduler itself gave up
            exception = f"KilledWorker: the worker {worker} died while this task ran, as others had before"
        records.errors.append(
            (records.sent + len(records.keys), text(exception, MAX_EXCEPTION), text(traceback or "")[-MAX_TRACEBACK:])
        )

    def _odd_transition(self, key, finish, kw):
        """A payload that the fast path could not take. The record is kept, without what cannot be read."""
        if finish != "memory" and finish != "erred":
            return
        records = self.records
        try:
            records.trim()
            while records.errors and records.errors[-1][0] >= records.sent + len(records.keys):
                records.errors.pop()
            self._add(records, key, finish, kw)
        except Exception:
            records.trim()
            self.dropped += 1

    def _add(self, records, key, finish, kw):
        """One record, tolerantly: for odd payloads and for what the scheduler's own buffer holds."""
        ts = self.scheduler.tasks.get(key)
        group, prefix = (ts.group.name, ts.prefix.name) if ts is not None else (key_split_group(key), key_split(key))
        worker, thread, nbytes, typename = (kw.get(k) for k in ("worker", "thread", "nbytes", "typename"))
        good = []
        for s in islice(kw.get("startstops") or (), 0xFFFF):
            try:
                good.append((text(s["action"]), float(s["start"]), float(s["stop"]), s.get("source")))
            except Exception:
                continue
        cols, tables = records.cols, self.tables
        if group not in tables["group"]:
            self.group_prefix[group] = prefix
        cols["group"].append(tables["group"][group])
        cols["lane"].append(tables["lane"][worker, thread if isinstance(thread, (int, float)) else 0])
        cols["type"].append(tables["type"][text(typename) if typename is not None else None])
        cols["nbytes"].append(float(nbytes) if isinstance(nbytes, (int, float)) else 0.0)
        for action, start, stop, source in good:
            cols["action"].append(min(tables["action"][action], 0xFF))
            cols["start"].append(start)
            cols["stop"].append(stop)
            if action == "transfer":
                records.origin.append(tables["worker"][source])
        records.transfers.append(sum(s[0] == "transfer" for s in good))
        cols["nss"].append(len(good))
        cols["status"].append(0 if finish == "memory" else 1)
        if finish != "memory":
            self._erred(records, worker, kw)
        records.keys.append(key)

    def _calibrate(self):
        """Seconds of a call that is not for us, the call itself included."""
        tr, best = self.transition, INF
        for _ in range(4):
            t0 = perf_counter()
            for _ in range(64):
                tr("", "waiting", "processing", stimulus_id="")
            best = min(best, (perf_counter() - t0) / 64)
        self.call_cost = best

    # ------------------------------------------------------------------ before we came
    def _look_back(self, resume):
        """(entries of the scheduler's own task-stream buffer, are they from before us, the gap's figures)."""
        s = self.scheduler
        plugin = s.plugins.get("task-stream")
        buffer = getattr(plugin, "buffer", None)
        index = getattr(plugin, "index", None)
        if buffer is None or not isinstance(index, int):
            buffer, index = (), None
        if not resume or resume.get("id") != s.id:
            return list(buffer), True, None
        gap = {"finished": self._finished(), "index": index, "logged": None, "recovered": None}
        known = resume.get("tc")
        if isinstance(known, int) and s.transition_counter >= known:
            new = s.transition_counter - known
            if new <= len(s.transition_log):
                newest = islice(reversed(s.transition_log), new)
                gap["logged"] = sum(t[1] == "processing" and t[2] in ("memory", "erred") for t in newest)
        entries = []
        if index is not None and isinstance(resume.get("index"), int):
            missed = min(index - resume["index"], len(buffer))
            skip = resume.get("since", 0) if missed == index - resume["index"] else 0
            entries = list(buffer)[len(buffer) - missed :][skip:] if missed > 0 else []
            gap["recovered"] = len(entries)
        return entries, False, gap

    def _finished(self):
        """How often a task came to memory or erred, by the scheduler's own count; it starts anew at a restart."""
        try:
            return sum(
                p.state_counts["memory"] + p.state_counts["erred"] for p in self.scheduler.task_prefixes.values()
            )
        except Exception:
            return None

    def _more_past(self):
        """The next part of the buffer as records."""
        part = self.past_entries[self.past_at : self.past_at + MAX_PAST]
        self.past_at += len(part)
        if self.past_at >= len(self.past_entries):
            self.past_entries, self.past_at = (), 0
        for m in part:
            try:
                finish = "erred" if "exception" in m or m.get("status") == "error" else "memory"
                self._add(self.past, m["key"], finish, m)
            except Exception:
                self.past.trim()
        out = self.past.take(MAX_PAST)
        if out is not None:
            out["past"] = self.past_flag
        return out

    # ------------------------------------------------------------------ cluster events
    def _note(self, topic, what):
        if len(self.log) < MAX_LOG:
            self.log.append((time(), topic, text(what)))

    def add_worker(self, scheduler=None, worker=None, **kw):
        self.workers_changed = True
        self._note("worker", f"added {worker}")

    def remove_worker(self, scheduler=None, worker=None, **kw):
        self.workers_changed = True
        # What ran there ends with its worker, not one by one.
        self.running.pop(worker, None)
        self.candidates.pop(worker, None)
        self._note("worker", f"removed {worker}")

    def add_client(self, scheduler=None, client=None, **kw):
        self._note("client", f"connected {client}")

    def remove_client(self, scheduler=None, client=None, **kw):
        self._note("client", f"disconnected {client}")

    def update_graph(self, scheduler=None, *args, **kw):
        try:
            tasks = kw.get("tasks") or kw.get("keys") or ()
            self._note("graph", f"{len(tasks)} tasks from {kw.get('client')}")
        except Exception:
            self._note("graph", "tasks were submitted")

    def restart(self, scheduler=None, **kw):
        self.workers_changed = True
        # The scheduler cleared its tasks without a transition; those it forgot before that are counted.
        self._count_memory()
        self.mem_count.clear()
        self.mem_bytes.clear()
        self.scattered.clear()
        self.strangers.clear()
        self.unscanned.clear()
        self.to_scan = ()
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
        t0, cpu0 = perf_counter(), thread_time()
        if self.last_end is not None:
            self.max_lag = max(self.max_lag, t0 - self.last_end - self.interval)
        try:
            self._count_memory()
            # None is one byte on the wire, and keeps the scheduler's own check that we are alive going.
            out = None if self.backlog() > MAX_BACKLOG else self._tick(scheduler)
            self.errors_in_a_row = 0
        except Exception as e:
            self.errors_in_a_row += 1
            out = pack({"error": text(repr(e))})
            self._lose_everything()
            if self.errors_in_a_row > 10:
                raise  # ends the feed: better gone than wrong
        self.cpu += thread_time() - cpu0
        self.last_end = perf_counter()
        return out

    def _begin_anew(self):
        """The peer knows nothing yet."""
        for table in self.tables.values():
            table.clear()
            table.new, table.reset = [], True
        self.running.clear()
        self.candidates.clear()
        self.hello = True
        self.workers_changed = True
        self.order = []  # [(address, WorkerState)]
        self.informed = {}  # address -> WorkerState as described
        self.last_seen = {}
        self.delay = {}  # address -> least delay of its heartbeats
        self.visited = {}  # address -> counts as sent
        self.prefixes = {}  # name -> counts as sent
        self.prefix_names = []
        self.prefix_at = self.worker_at = 0
        self.prefixes_left = self.workers_left = 0
        self.last_state = None
        self.slow_time = 0.0

    def _lose_everything(self):
        """A tick failed half way: what it had taken is lost and counted."""
        self.dropped += self.records.sent - self.delivered + len(self.records)
        self.records.clear()
        self.delivered = self.records.sent
        self.past.clear()
        self.log.clear()
        self._begin_anew()

    def _tick(self, s):
        now = time()
        msg = {}
        if self.hello:
            msg["hello"] = self._hello(s)
        encode0 = thread_time()
        done = self.records.take(MAX_RECORDS)
        if done:
            msg["done"] = done
            self.encode_cpu += thread_time() - encode0
            self.encoded += len(done["status"])
        if self.past_entries:
            past = self._more_past()
            if past:
                msg["past"] = past
        if self.log:
            msg["log"] = self.log[:]
            self.log.clear()
        dropped = self.dropped
        if dropped:
            msg["dropped"] = dropped
        if self.to_scan:
            self._scan()
        if self.workers_changed:
            self._refresh(s, msg)
        beats = self._heartbeats(s, msg)
        # Counts can only have changed when the scheduler made a transition, or was given data.
        counter = s.transition_counter
        state = (counter, len(s.tasks), len(s.task_prefixes))
        if state != self.last_state:
            self.last_state = state
            self.prefixes_left, self.workers_left = INF, len(self.order)
        self._prefixes(s, msg)
        self._workers(msg, beats, now)
        self._slow(s, msg, now)
        may_reset = not self.records.keys
        tables = {}
        for name, table in self.tables.items():
            new = table.flush(may_reset, self._encoders[name])
            if new:
                tables[name] = new
        if tables:
            msg["i"] = tables
        self.group_prefix.clear()
        if not msg:
            return None
        msg["t"] = now
        if may_reset:  # all that finished until here has been sent
            msg["tc"] = counter
            msg["index"] = getattr(s.plugins.get("task-stream"), "index", None)
        out = pack(msg)
        self.hello = False
        self.dropped -= dropped
        self.delivered = self.records.sent
        return out

    def _hello(self, s):
        import distributed

        gap, self.gap = self.gap, None
        return {
            "agent": VERSION,
            "version": text(distributed.__version__),
            "python": list(sys.version_info[:3]),
            "id": text(s.id),
            "address": text(s.address),
            "started": float(s.time_started),
            "interval": self.interval,
            "byteorder": sys.byteorder,
            "services": self._services({k: v.port for k, v in s.services.items()}),
            "gap": gap,
            # So that the peer can tell what went away while nobody watched.
            "workers": [text(a) for a in s.workers],
            "prefixes": [text(p) for p in s.task_prefixes],
        }

    @staticmethod
    def _services(services):
        return {text(k): v for k, v in (services or {}).items() if isinstance(v, int)}

    # ------------------------------------------------------------------ tasks in memory
    def _count_memory(self):
        """What came to memory, left it and was forgotten since the last tick."""
        count, nbytes = self.mem_count, self.mem_bytes
        for ts in self.came:
            name = ts.prefix.name
            count[name] += 1
            nbytes[name] += ts.nbytes
        self.came.clear()
        unscanned = self.unscanned
        for ts in self.left:
            if ts.run_spec is None:
                continue  # scattered
            if unscanned and id(ts) in unscanned:
                unscanned.discard(id(ts))
                continue
            name = ts.prefix.name
            count[name] -= 1
            nbytes[name] -= ts.nbytes
        self.left.clear()
        forgotten = self.forgotten
        for ts in self.forgot:
            if ts.nbytes >= 0:  # it had completed
                forgotten[ts.prefix.name] += 1
        self.forgot.clear()

    def _scan(self):
        """A part of what was in memory when we came; what left since then is not in ``unscanned`` any more."""
        part = [self.to_scan.pop() for _ in range(min(SCAN_CHUNK, len(self.to_scan)))]
        for ts in part:
            if id(ts) in self.unscanned:
                self.unscanned.discard(id(ts))
                name = ts.prefix.name
                self.mem_count[name] += 1
                self.mem_bytes[name] += max(ts.nbytes, 0)
        self.last_state = None  # look at the prefixes again
        if not self.to_scan:
            self.unscanned.clear()

    def _find_scattered(self, s, now):
        """Scattered data come to memory without a transition; they are found by their lack of a run_spec."""
        self.scatter_time, self.scatter_changed = now, False
        found = {}
        for ts in islice(reversed(s.tasks.values()), MAX_SCATTERED):
            if ts.run_spec is None and ts.state == "memory":
                entry = found.setdefault(ts.prefix.name, [0, 0])
                entry[0] += 1
                entry[1] += max(ts.nbytes, 0)
        self.scattered = found
        self.last_state = None

    def _prefixes(self, s, msg):
        """Counts of the prefixes that changed, as many as the budget allows, the others next time."""
        if self.scatter_changed and time() - self.scatter_time > 1:
            self._find_scattered(s, time())
        if not self.prefixes_left:
            return
        prefixes, sent, table = s.task_prefixes, self.prefixes, self.tables["prefix"]
        if self.prefixes_left == INF or self.prefix_at >= len(self.prefix_names):
            self.prefix_names = list(prefixes)
            self.prefixes_left = min(self.prefixes_left, len(self.prefix_names))
            if self.prefix_at >= len(self.prefix_names):
                self.prefix_at = 0
        ids, states, forgotten, nbytes = array("I"), array("I"), array("d"), array("d")

        def send(name, row):
            sent[name] = row
            ids.append(table[name])
            states.extend(row[:-2])
            forgotten.append(row[-2])
            nbytes.append(row[-1])

        if len(sent) > len(prefixes):  # the scheduler was restarted: it dropped them all
            for name in [name for name in sent if name not in prefixes]:
                send(name, (0,) * len(STATES) + (self.forgotten[name], 0))
                del sent[name]
        deadline = perf_counter() + PREFIX_BUDGET
        while self.prefixes_left > 0:
            if self.prefix_at >= len(self.prefix_names):
                self.prefix_at = 0
            name = self.prefix_names[self.prefix_at]
            self.prefix_at += 1
            self.prefixes_left -= 1
            prefix = prefixes.get(name)
            if prefix is not None:
                counts = prefix.states  # until 2024.5 a property that merges the counts of its groups
                get = counts.get
                in_memory = get("memory", 0)
                scattered = self.scattered.get(name, (0, 0))
                strangers = in_memory - self.mem_count[name]  # came to memory without a transition
                if strangers != self.strangers.get(name, 0) and not self.to_scan:
                    self.strangers[name] = strangers
                    self.scatter_changed = True
                total = max(self.mem_bytes[name] + scattered[1], 0) if in_memory else 0
                row = (*[get(state, 0) for state in STATES], self.forgotten[name], total)
                if sent.get(name) != row:
                    send(name, row)
            if perf_counter() > deadline:
                break
        if ids:
            msg["p"] = {
                "id": ids.tobytes(),
                "states": states.tobytes(),
                "forgotten": forgotten.tobytes(),
                "nbytes": nbytes.tobytes(),
            }

    # ------------------------------------------------------------------ workers
    def _refresh(self, s, msg):
        """The set of workers changed: say who is gone, describe the new ones (a bounded number per tick)."""
        table, informed = self.tables["worker"], self.informed
        self.order = list(s.workers.items())
        gone = [a for a, ws in informed.items() if s.workers.get(a) is not ws]
        for address in gone:
            for known in (informed, self.last_seen, self.delay, self.visited, self.running, self.candidates):
                known.pop(address, None)
        if gone:
            msg["gone"] = [table[a] for a in gone]
        info = []
        self.workers_changed = False
        for address, ws in self.order:
            if address in informed:
                continue
            if len(info) == MAX_ROWS:
                self.workers_changed = True
                break
            informed[address] = ws
            info.append(self._describe(table[address], address, ws))
        if info:
            msg["wi"] = info
        self.workers_left = len(self.order)

    def _describe(self, index, address, ws):
        try:
            version = (ws.versions or {}).get("packages", {}).get("distributed")
        except Exception:
            version = None
        return (
            index,
            text(address),
            text(ws.name),
            text(ws.host),
            int(ws.nthreads),
            float(ws.memory_limit or 0),
            text(version or ""),
            self._services(ws.services),
            text(ws.nanny or ""),
            int(ws.pid or 0),
            text(ws.local_directory or ""),
        )

    def _heartbeats(self, s, msg):
        """Metrics of the workers that were heard of since the last tick. Returns their addresses."""
        table, seen, informed = self.tables["worker"], self.last_seen, self.informed
        ids, rows = array("I"), array("d")
        beats = []
        for address, ws in self.order:
            last = ws.last_seen
            if seen.get(address) == last:
                continue
            if len(beats) == MAX_ROWS:
                break
            if address not in informed or not ws.metrics:
                continue
            seen[address] = last
            beats.append(address)
            ids.append(table[address])
            rows.extend(metrics_row(ws))
            # A heartbeat's delay is the difference of the clocks plus its own way; the least one is nearest to the
            # difference. It may creep up, should the clocks drift.
            self.delay[address] = min(self.delay.get(address, INF) + 0.001, ws.time_delay)
        if ids:
            msg["mt"] = {"id": ids.tobytes(), "rows": rows.tobytes()}
        return beats

    def _workers(self, msg, beats, now):
        """The scheduler's view of workers, and what runs there: a slice per tick, and those just heard of."""
        order, visited = self.order, self.visited
        table = self.tables["worker"]
        ids, counts, numbers, status = array("I"), array("I"), array("d"), []
        started, ended = [], []
        beats = set(beats)
        todo = beats | set(islice(self.candidates, MAX_WORKERS))
        if self.workers_left > 0:
            n = len(order)
            take = min(MAX_WORKERS, self.workers_left, n)
            at = self.worker_at if self.worker_at < n else 0
            part = order[at : at + take]
            self.worker_at = at + len(part)
            self.workers_left -= max(len(part), 1)
            todo.update(a for a, _ in part)
        workers = self.scheduler.workers
        for address in todo:
            ws = workers.get(address)
            if ws is None or self.informed.get(address) is not ws:
                self.candidates.pop(address, None)
                continue
            state = ws.status.name
            row = (len(ws.processing), len(ws._has_what), len(ws.executing), ws.occupancy, ws.nbytes)
            before = visited.get(address)
            if before is None or before[0] != row:
                i = table[address]
                ids.append(i)
                counts.extend(row[:3])
                numbers.extend(row[3:])
            if before is None or before[1] != state:
                status.append((table[address], text(state)))
            visited[address] = (row, state)
            self._running(address, ws, address in beats, now, started, ended)
        if ids:
            msg["w"] = {"id": ids.tobytes(), "n": counts.tobytes(), "d": numbers.tobytes()}
        if status:
            msg["ws"] = status
        if started or ended:
            msg["run"] = {
                "key": [text(ts.key, MAX_KEY) for _, ts, _ in started],
                "group": array("I", [self._group_id(ts) for _, ts, _ in started]).tobytes(),
                "worker": array("I", [table[a] for a, _, _ in started]).tobytes(),
                "start": array("d", [start for _, _, start in started]).tobytes(),
                "ended": [text(key, MAX_KEY) for key in ended],
            }

    def _group_id(self, ts):
        name = ts.group.name
        table = self.tables["group"]
        if name not in table:
            self.group_prefix[name] = ts.prefix.name
        return table[name]

    def _running(self, address, ws, heard, now, started, ended):
        """What runs on one worker: by its heartbeat, and at once where no task can be waiting for a thread."""
        known = self.running.get(address)
        cand = self.candidates.get(address)
        if known:
            for key in [k for k, (ts, _, _) in known.items() if ts.processing_on is not ws]:
                del known[key]
                ended.append(key)
        if heard:
            executing = ws.executing
            origin = ws.last_seen - ws.time_delay + self.delay[address]
            for ts, duration in islice(executing.items(), MAX_EXECUTING):
                if ts.processing_on is not ws:
                    continue
                key, start = ts.key, origin - duration
                entry = known.get(key) if known else None
                if entry is None:
                    if cand is None:
                        cand = self.candidates[address] = {}
                    cand[key] = (ts, start, True)
                elif not entry[2]:
                    known[key] = (ts, start, True)
                    if abs(entry[1] - start) > RESTART_TOLERANCE:
                        started.append((address, ts, start))
            # What was only inferred, and is not executing in truth: it waits for data or resources.
            for entries in (known, cand):
                for key, (ts, start, exact) in list((entries or {}).items()):
                    if not exact and start < origin - 0.2 and ts not in executing:
                        if entries is known:
                            del known[key]
                            ended.append(key)
                            if cand is None:
                                cand = self.candidates[address] = {}
                        cand[key] = (ts, INF, False)  # until a heartbeat says otherwise
        if len(ws.processing) <= ws.nthreads:
            for ts in ws.processing:
                key = ts.key
                if (known and key in known) or (cand and key in cand) or not self._has_inputs(ts, ws):
                    continue
                if cand is None:
                    cand = self.candidates[address] = {}
                cand[key] = (ts, now, False)
        if cand:
            for key, entry in list(cand.items()):
                ts, start, _ = entry
                if ts.processing_on is not ws:
                    del cand[key]
                elif now - start >= RUNNING_AFTER and len(started) < MAX_STARTED:
                    del cand[key]
                    if known is None:
                        known = self.running[address] = {}
                    known[key] = entry
                    started.append((address, ts, start))
        if cand is not None and not cand:
            del self.candidates[address]
        if known is not None and not known:
            del self.running[address]

    @staticmethod
    def _has_inputs(ts, ws):
        """True when the worker has nothing to fetch before it can run the task."""
        deps = ts.dependencies
        return len(deps) <= 16 and all(ws in (d.who_has or ()) for d in deps)

    # ------------------------------------------------------------------ once a second
    def _slow(self, s, msg, now):
        if now - self.slow_time < 1 and not self.hello:
            return
        self.slow_time = now
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
        t, counter = perf_counter(), s.transition_counter
        seconds, calls = self.sample
        hook = seconds / calls + self.call_cost if calls else 0.0
        finished = self.encoded
        others = max(counter - self.cost_counter - finished, 0)
        per_task = hook + (self.encode_cpu / self.encoded if self.encoded else 0.0)
        share = (self.cpu + hook * finished + self.call_cost * others) / max(t - self.cost_time, 1e-3)
        msg["cost"] = (min(share, 1.0), per_task * 1e6 if finished else NAN, max(self.max_lag, 0.0))
        msg["finished"] = self._finished()
        self.cost_time, self.cost_counter = t, counter
        self.cpu = self.max_lag = self.encode_cpu = 0.0
        self.sample[:] = 0.0, 0
        self.encoded = 0

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
            pass


def metrics_row(ws):
    """The numbers of a worker's latest heartbeat, NaN where it does not say. Memory as Dask's MemoryState does."""
    get = ws.metrics.get
    spilled = get("spilled_bytes")
    if not isinstance(spilled, dict):
        spilled = {}
    net, disk = get("host_net_io") or {}, get("host_disk_io") or {}
    digests = get("digests_total_since_heartbeat") or {}
    process = get("memory", NAN)
    managed = min(process, max(0, ws.nbytes - spilled.get("memory", 0)))
    old = min(ws._memory_unmanaged_old, process - managed)
    return (
        ws.last_seen,
        get("cpu", NAN),
        process,
        managed,
        old,
        process - managed - old,
        spilled.get("disk", 0),
        net.get("read_bps", NAN),
        net.get("write_bps", NAN),
        disk.get("read_bps", NAN),
        disk.get("write_bps", NAN),
        get("num_fds", NAN),
        get("event_loop_interval", NAN),
        digests.get("latency", NAN),
    )


def setup(scheduler):
    """What ``feed`` calls first, synchronously and from its own frame, which has the connection."""
    try:
        comm = sys._getframe(1).f_locals["comm"]
    except Exception:
        comm = next((c for c, op in scheduler._comms.items() if op == "feed"), None)
    return Agent(scheduler, comm, globals().get("__interval__", 0.1), globals().get("__opts__"))

"""What runs where."""

from array import array
from itertools import islice

from .limits import INF, MAX_EXECUTING, MAX_KEY, MAX_STARTED, RESTART_TOLERANCE, RUNNING_AFTER
from .tables import text


class Running:
    def __init__(self, tables):
        self.tables = tables
        self.announced = {}  # address -> {key: (TaskState, start, exact)}; the hook removes what finishes
        self.candidates = {}  # the same, not announced yet
        self.started, self.ended = [], []  # since the last message

    def begin_anew(self):
        self.announced.clear()
        self.candidates.clear()
        self.started, self.ended = [], []

    def forget(self, address):
        """What ran there ends with its worker, not one by one."""
        self.announced.pop(address, None)
        self.candidates.pop(address, None)

    def look(self, address, ws, origin, now):
        """
        What runs on one worker: by its heartbeat, whose time is ``origin`` (None when it was not just heard of), and
        at once where no task can be waiting for a thread.
        """
        started, ended = self.started, self.ended
        known = self.announced.get(address)
        cand = self.candidates.get(address)
        if known:
            for key in [k for k, (ts, _, _) in known.items() if ts.processing_on is not ws]:
                del known[key]
                ended.append(key)
        if origin is not None:
            executing = ws.executing
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
                if (known and key in known) or (cand and key in cand) or not has_inputs(ts, ws):
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
                        known = self.announced[address] = {}
                    known[key] = entry
                    started.append((address, ts, start))
        if cand is not None and not cand:
            del self.candidates[address]
        if known is not None and not known:
            del self.announced[address]

    def take(self):
        """What began, and what ended without finishing, as a message; None when nothing did."""
        started, ended, tables = self.started, self.ended, self.tables
        if not started and not ended:
            return None
        self.started, self.ended = [], []
        groups = [tables.group_id(ts.group.name, ts.prefix.name) for _, ts, _ in started]
        return {
            "key": [text(ts.key, MAX_KEY) for _, ts, _ in started],
            "group": array("I", groups).tobytes(),
            "worker": array("I", [tables.worker[a] for a, _, _ in started]).tobytes(),
            "start": array("d", [start for _, _, start in started]).tobytes(),
            "ended": [text(key, MAX_KEY) for key in ended],
        }


def has_inputs(ts, ws):
    """True when the worker has nothing to fetch before it can run the task."""
    deps = ts.dependencies
    return len(deps) <= 16 and all(ws in (d.who_has or ()) for d in deps)

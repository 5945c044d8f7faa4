"""What is in memory. Dask keeps no such number per prefix: its nbytes_total never falls on release."""

from collections import defaultdict
from itertools import islice

from .limits import MAX_SCATTERED, SCAN_CHUNK


class Memory:
    """Results in memory, per prefix."""

    def __init__(self, scheduler):
        self.tasks = scheduler.tasks
        self.came, self.left, self.forgot = [], [], []  # TaskStates, since the last tick: from the hook
        self.forgotten = defaultdict(int)
        self.count = defaultdict(int)
        self.nbytes = defaultdict(int)
        self.scattered = {}  # prefix -> [count, bytes]
        self.strangers = {}  # prefix -> how many of its tasks in memory the hook did not see come
        self.scatter_time = 0.0
        self.scatter_changed = False
        self.to_scan = [ts for ts in scheduler.tasks.values() if ts.state == "memory" and ts.run_spec is not None]
        self.unscanned = {id(ts) for ts in self.to_scan}
        self.recounted = False  # without a transition: the prefixes must be looked at again

    def settle(self):
        """What came to memory, left it and was forgotten since the last tick."""
        count, nbytes = self.count, self.nbytes
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

    def scan(self):
        """A part of what was in memory when we came; what left since then is not in ``unscanned`` any more."""
        part = [self.to_scan.pop() for _ in range(min(SCAN_CHUNK, len(self.to_scan)))]
        for ts in part:
            if id(ts) in self.unscanned:
                self.unscanned.discard(id(ts))
                name = ts.prefix.name
                self.count[name] += 1
                self.nbytes[name] += max(ts.nbytes, 0)
        self.recounted = True
        if not self.to_scan:
            self.unscanned.clear()

    def find_scattered(self, now):
        """Scattered data come to memory without a transition; they are found by their lack of a run_spec."""
        self.scatter_time, self.scatter_changed = now, False
        found = {}
        for ts in islice(reversed(self.tasks.values()), MAX_SCATTERED):
            if ts.run_spec is None and ts.state == "memory":
                entry = found.setdefault(ts.prefix.name, [0, 0])
                entry[0] += 1
                entry[1] += max(ts.nbytes, 0)
        self.scattered = found
        self.recounted = True

    def restart(self):
        """The scheduler cleared its tasks without a transition; those it forgot before that are counted."""
        self.settle()
        self.count.clear()
        self.nbytes.clear()
        self.scattered.clear()
        self.strangers.clear()
        self.unscanned.clear()
        self.to_scan = ()

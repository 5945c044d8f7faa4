"""What is in memory. Dask keeps no such number per prefix: its nbytes_total never falls on release."""

from collections import defaultdict
from itertools import islice

from .limits import MAX_KNOWN_GROUPS, MAX_SCATTERED, SCAN_CHUNK


class BalanceOf(dict):
    """
    The balance of each group's prefix: to find that costs more than all that the hook does with it. Only for a while,
    as a group that is kept keeps those that it depends on.
    """

    def __init__(self, balances):
        self.balances = balances

    def __missing__(self, group):
        if len(self) >= MAX_KNOWN_GROUPS:
            self.clear()
        balance = self[group] = self.balances[group.prefix.name]
        return balance


class Memory:
    """Results in memory, per prefix."""

    def __init__(self, scheduler):
        self.tasks = scheduler.tasks
        # prefix -> [tasks in memory, their bytes, tasks that were forgotten after they had completed]. What comes is
        # added when it becomes a record; of what was there when we came, what left meanwhile is missing until it is.
        self.balances = defaultdict(lambda: [0, 0, 0])
        self.balance_of = BalanceOf(self.balances)
        self.scattered = {}  # prefix -> [count, bytes]
        self.strangers = {}  # prefix -> how many of its tasks in memory the hook did not see come
        self.scatter_time = 0.0
        self.scatter_changed = False
        found = [ts for ts in scheduler.tasks.values() if ts.state == "memory" and ts.run_spec is not None]
        self.to_scan = [ts.group for ts in found]
        self.sizes_to_scan = [ts.nbytes for ts in found]
        self.recounted = False  # without a transition: the prefixes must be looked at again

    def came(self, groups, nbytes):
        """These results came to memory; a group and bytes of each."""
        balances = self.balances
        first = groups[0]
        if groups.count(first) == len(groups):
            try:
                total = sum(nbytes)
            except TypeError:
                pass
            else:
                balance = balances[first.prefix.name]
                balance[0] += len(groups)
                balance[1] += total
                return
        for group, size in zip(groups, nbytes):
            balance = balances[group.prefix.name]
            balance[0] += 1
            if isinstance(size, (int, float)):
                balance[1] += size

    def scan(self):
        """A part of what was in memory when we came, with the bytes that it had then."""
        groups, sizes = self.to_scan[-SCAN_CHUNK:], self.sizes_to_scan[-SCAN_CHUNK:]
        del self.to_scan[-SCAN_CHUNK:], self.sizes_to_scan[-SCAN_CHUNK:]
        self.came(groups, [max(size, 0) for size in sizes])
        self.recounted = True

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
        for balance in self.balances.values():
            balance[:2] = 0, 0
        self.scattered.clear()
        self.strangers.clear()
        self.to_scan, self.sizes_to_scan = [], []
        self.balance_of.clear()

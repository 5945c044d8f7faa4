"""Counts of tasks per prefix and state."""

from array import array
from time import perf_counter

from distributed.metrics import time

from .limits import INF, PREFIX_BUDGET

STATES = ("waiting", "no-worker", "queued", "processing", "memory", "released", "erred")


class Prefixes:
    def __init__(self, scheduler, tables, memory):
        self.scheduler = scheduler
        self.table = tables.prefix
        self.memory = memory
        self.begin_anew()

    def begin_anew(self):
        self.sent = {}  # name -> counts as sent
        self.names = []
        self.at = self.left = 0

    def look_at_all(self):
        self.left = INF

    def take(self):
        """Counts of the prefixes that changed, as many as the budget allows, the others next time."""
        memory = self.memory
        if memory.scatter_changed and time() - memory.scatter_time > 1:
            memory.find_scattered(time())
        if not self.left:
            return None
        prefixes, sent, table = self.scheduler.task_prefixes, self.sent, self.table
        if self.left == INF or self.at >= len(self.names):
            self.names = list(prefixes)
            self.left = min(self.left, len(self.names))
            if self.at >= len(self.names):
                self.at = 0
        ids, states, forgotten, nbytes = array("I"), array("I"), array("d"), array("d")

        def send(name, row):
            sent[name] = row
            ids.append(table[name])
            states.extend(row[:-2])
            forgotten.append(row[-2])
            nbytes.append(row[-1])

        if len(sent) > len(prefixes):  # the scheduler was restarted: it dropped them all
            for name in [name for name in sent if name not in prefixes]:
                send(name, (0,) * len(STATES) + (memory.balances[name][2], 0))
                del sent[name]
        deadline = perf_counter() + PREFIX_BUDGET
        while self.left > 0:
            if self.at >= len(self.names):
                self.at = 0
            name = self.names[self.at]
            self.at += 1
            self.left -= 1
            prefix = prefixes.get(name)
            if prefix is not None:
                counts = prefix.states  # until 2024.5 a property that merges the counts of its groups
                get = counts.get
                in_memory = get("memory", 0)
                scattered = memory.scattered.get(name, (0, 0))
                count, nbytes_of, forgotten_of = memory.balances[name]
                strangers = in_memory - count  # came to memory without a transition
                if strangers != memory.strangers.get(name, 0) and not memory.to_scan:
                    memory.strangers[name] = strangers
                    memory.scatter_changed = True
                total = max(nbytes_of + scattered[1], 0) if in_memory else 0
                row = (*[get(state, 0) for state in STATES], forgotten_of, total)
                if sent.get(name) != row:
                    send(name, row)
            if perf_counter() > deadline:
                break
        if not ids:
            return None
        return {
            "id": ids.tobytes(),
            "states": states.tobytes(),
            "forgotten": forgotten.tobytes(),
            "nbytes": nbytes.tobytes(),
        }

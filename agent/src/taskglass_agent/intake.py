"""Finished tasks as the hook leaves them, on their way into columns: many at a time, at a fraction of the cost."""

from array import array
from itertools import chain, islice
from operator import attrgetter, itemgetter

from .limits import MAX_LINKS, MAX_PENDING, NAN
from .records import names_of

# What the hook notes of a task that finished, one after the other in one list. "ready" is NaN where it is not known,
# "needs" the number of dependencies, "needed" the keys of those that are looked up.
FIELDS = ("key", "group", "worker", "thread", "typename", "nbytes", "startstops", "ready", "needs", "needed")

ACTION = itemgetter("action")
START = itemgetter("start")
STOP = itemgetter("stop")
KEY = attrgetter("key")


class Intake:
    def __init__(self, records, memory, announced):
        self.records = records
        self.memory = memory
        self.announced = announced
        self.raw = []
        self.error = None  # a failure between two ticks; the next tick fails with it

    def absorb(self):
        """All that was noted becomes records, in order; beyond MAX_PENDING it is dropped and counted."""
        raw = self.raw
        if not raw:
            return
        width = len(FIELDS)
        columns = [raw[i::width] for i in range(width)]
        raw.clear()
        records = self.records
        done = len(records.keys) + records.dropped
        try:
            self.memory.came(columns[1], columns[5])
            self._end(columns[0], columns[2])
            room = MAX_PENDING - len(records.keys)
            excess = columns[0][room:]
            self._absorb([column[:room] for column in columns] if excess else columns)
            if excess:
                records.drop(excess)
        except Exception:
            records.dropped += len(columns[0]) - (len(records.keys) + records.dropped - done)
            raise

    def _end(self, keys, workers):
        """What was announced as running is not any more."""
        if self.announced:
            get = self.announced.get
            for key, worker in zip(keys, workers):
                mine = get(worker)
                if mine:
                    mine.pop(key, None)

    def _absorb(self, columns):
        """As columns where all can be read; else by halves, so that only odd ones are taken one by one."""
        n = len(columns[0])
        if not n:
            return
        try:
            made = self._make(columns, n)
        except Exception:
            if n == 1:
                key, group, worker, thread, typename, nbytes, startstops, *waited = (column[0] for column in columns)
                kw = dict(zip(FIELDS[2:7], (worker, thread, typename, nbytes, startstops)))
                self._add(key, "memory", kw, (group.name, group.prefix.name), waited)
            else:
                self._absorb([column[: n // 2] for column in columns])
                self._absorb([column[n // 2 :] for column in columns])
            return
        records = self.records
        *values, origin, links = made
        for col, value in zip(records.cols.values(), values):
            col.extend(value)
        if origin:
            records.origin.extend(origin)
        if links is not None:
            records.links.extend(links)
        records.keys += columns[0]

    def _make(self, columns, n):
        """The columns of ``Records``, in their order, origins and links. Changes nothing but the tables."""
        keys, groups, workers, threads, typenames, nbytes, startstops, ready, needs, needed = columns
        records = self.records
        tables = records.tables
        number = {group: tables.group_id(group.name, group.prefix.name) for group in set(groups)}
        steps = list(chain.from_iterable(startstops))
        action = numbers("B", tables.action, list(map(ACTION, steps)))
        out = [
            numbers("I", number, groups),
            array("I", list(map(tables.lane.__getitem__, zip(workers, threads)))),
            numbers("I", tables.type, typenames),
            array("H", [1]) * n if len(steps) == n and all(startstops) else array("H", list(map(len, startstops))),
            array("d", nbytes),
            action,
            array("d", list(map(START, steps))),
            array("d", list(map(STOP, steps))),
        ]
        origin = None
        if action.count(tables.action.get("transfer", -1)):
            origin = [tables.worker[step.get("source")] for step in steps if step["action"] == "transfer"]
        links = records.links
        made = None if links is None else links.make(records.sent + len(records.keys), keys, ready, needs, needed)
        return (*out, origin, made)

    def add(self, key, finish, kw):
        """One record by the payload of its transition; for what is not for the fast path."""
        records = self.records
        if len(records.keys) >= MAX_PENDING:
            records.drop([key])
            return
        ts = records.tasks.get(key)
        if ts is None:
            self._add(key, finish, kw, names_of(None, key), (NAN, 0, ()))
            return
        needed = tuple(dependency.key for dependency in islice(ts.dependencies, MAX_LINKS))
        ready = NAN if records.links is None else records.links.known.get(key, NAN)
        self._add(key, finish, kw, names_of(ts, key), (ready, len(ts.dependencies), needed))

    def _add(self, key, finish, kw, group, waited):
        records = self.records
        try:
            records.add(key, finish, kw, group, waited)
        except Exception:
            records.trim()
            records.drop([key])


def numbers(code, table, values):
    """The number of each value, as a column. Most ticks have tasks of one kind only."""
    if values and values.count(values[0]) == len(values):
        return array(code, [table[values[0]]]) * len(values)
    return array(code, list(map(table.__getitem__, values)))

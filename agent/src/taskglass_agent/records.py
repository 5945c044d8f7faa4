"""Finished tasks, from the moment they finish until they are sent."""

from array import array
from itertools import islice

from dask.utils import key_split
from distributed.utils import key_split_group

from .limits import MAX_ERROR_TEXT, MAX_EXCEPTION, MAX_KEY, MAX_TRACEBACK
from .tables import text


def names_of(ts, key):
    """Of a task's group and prefix; for one that the scheduler does not have, as Dask would call them."""
    if ts is None:
        return key_split_group(key), key_split(key)
    return ts.group.name, ts.prefix.name


class Records:
    """Finished tasks in columns; start/stops and the origins of transfers are flattened."""

    PER_RECORD = (("group", "I"), ("lane", "I"), ("type", "I"), ("nss", "H"), ("nbytes", "d"))
    PER_STARTSTOP = (("action", "B"), ("start", "d"), ("stop", "d"))

    def __init__(self, tasks, tables, links=None):
        self.tasks = tasks  # the scheduler's
        self.tables = tables
        self.links = links  # None: nobody asks what tasks waited for
        self.per_record = {name for name, _ in self.PER_RECORD}
        self.cols = {name: array(code) for name, code in self.PER_RECORD + self.PER_STARTSTOP}
        self.origin = array("I")  # one per transfer
        self.keys = []
        self.errors = []  # (ordinal, exception, traceback) of each record that erred
        self.sent = 0  # ordinal of the first record that is held
        self.delivered = 0  # ordinal up to which records have left
        self.dropped = 0

    def __len__(self):
        return len(self.keys)

    def add(self, key, finish, kw, names, waited=None):
        """
        One record, tolerantly: for odd payloads and for what the scheduler's own buffer holds. ``names``: of its group
        and prefix; ``waited``: what ``Links.add`` wants to know.
        """
        group, prefix = names
        worker, thread, nbytes, typename = (kw.get(k) for k in ("worker", "thread", "nbytes", "typename"))
        good = []
        for s in islice(kw.get("startstops") or (), 0xFFFF):
            try:
                good.append((text(s["action"]), float(s["start"]), float(s["stop"]), s.get("source")))
            except Exception:
                continue
        cols, tables = self.cols, self.tables
        cols["group"].append(tables.group_id(group, prefix))
        cols["lane"].append(tables.lane[worker, thread if isinstance(thread, (int, float)) else 0])
        cols["type"].append(tables.type[text(typename) if typename is not None else None])
        cols["nbytes"].append(float(nbytes) if isinstance(nbytes, (int, float)) else 0.0)
        for action, start, stop, source in good:
            cols["action"].append(min(tables.action[action], 0xFF))
            cols["start"].append(start)
            cols["stop"].append(stop)
            if action == "transfer":
                self.origin.append(tables.worker[source])
        cols["nss"].append(len(good))
        if finish != "memory":
            self._add_error(worker, kw)
        if self.links is not None:
            self.links.add(self.sent + len(self.keys), key, *waited)
        self.keys.append(key)  # last: a record exists once its key does

    def _add_error(self, worker, kw):
        exception, traceback = kw.get("exception_text"), kw.get("traceback_text")
        if not exception:  # its worker died under it: the scheduler itself gave up
            exception = f"KilledWorker: the worker {worker} died while this task ran, as others had before"
        self.errors.append(
            (self.sent + len(self.keys), text(exception, MAX_EXCEPTION), text(traceback or "")[-MAX_TRACEBACK:])
        )

    def trim(self):
        """Drops what a record that failed half way left behind: a record exists once its key does."""
        n = len(self.keys)
        for name, _ in self.PER_RECORD:
            del self.cols[name][n:]
        m = sum(self.cols["nss"])
        for name, _ in self.PER_STARTSTOP:
            del self.cols[name][m:]
        while self.errors and self.errors[-1][0] >= self.sent + n:
            self.errors.pop()
        del self.origin[self._transfers(self.cols["action"].tobytes()) :]
        if self.links is not None:
            self.links.trim(n)

    def _transfers(self, actions):
        """How many of these start/stops, one byte each, are transfers."""
        number = self.tables.action.get("transfer")
        return 0 if number is None else actions.count(number)

    def drop(self, keys):
        """There is no room for these."""
        self.dropped += len(keys)
        if self.links is not None:
            self.links.drop(keys)

    def clear(self):
        for col in self.cols.values():
            del col[:]
        del self.origin[:]
        if self.links is not None:
            self.links.trim(0)
        self.sent += len(self.keys)
        self.keys.clear()
        self.errors.clear()

    def lose(self):
        """Gives up what is held and what was taken but has not left, and counts it."""
        self.dropped += self.sent - self.delivered + len(self.keys)
        self.clear()
        self.delivered = self.sent

    def take(self, limit):
        """The oldest records as a message, removed from here; None when there are none."""
        n = min(len(self.keys), limit)
        if not n:
            return None
        m = len(self.cols["action"]) if n == len(self.keys) else sum(self.cols["nss"][:n])
        out = {}
        for name, col in self.cols.items():
            count = n if name in self.per_record else m
            out[name] = (col if count == len(col) else col[:count]).tobytes()
            del col[:count]
        o = self._transfers(out["action"])
        out["origin"] = self.origin[:o].tobytes()
        del self.origin[:o]
        if self.links is not None:
            out.update(self.links.take(n, self.sent))
        keys = self.keys[:n]
        del self.keys[:n]
        out["key"] = keys if are_plain(keys) else [text(key, MAX_KEY) for key in keys]
        status = bytearray(n)
        errors, room = [], MAX_ERROR_TEXT
        while self.errors and self.errors[0][0] < self.sent + n:
            ordinal, exception, traceback = self.errors.pop(0)
            room -= len(exception) + len(traceback)
            status[ordinal - self.sent] = 1
            errors.append((ordinal - self.sent, exception, traceback if room > 0 else ""))
        out["status"] = bytes(status)
        if errors:
            out["err"] = errors
        self.sent += n
        return out


def are_plain(keys):
    """True when all are short strings that need no look at."""
    try:
        joined = "".join(keys)
    except TypeError:
        return False
    return joined.isascii() and (len(joined) <= MAX_KEY or max(map(len, keys)) <= MAX_KEY)

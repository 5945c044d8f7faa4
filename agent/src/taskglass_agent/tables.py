"""Strings as numbers: what the peer was told once is an index from then on."""

import msgpack

from .limits import MAX_INTERNED


def pack(obj):
    return msgpack.packb(obj, use_bin_type=True, default=str)


def text(value, limit=1_000):
    """Any value of a cluster's as a bounded str that UTF-8 can carry. What is cut ends with an ellipsis."""
    s = value if type(value) is str else str(value)
    if len(s) > limit:
        s = s[: limit - 1] + "\u2026"
    if not s.isascii():
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

    def begin_anew(self):
        self.clear()
        self.new, self.reset = [], True

    def flush(self, may_reset, encode):
        """[begin anew?, new values], or None when there is nothing to announce. ``may_reset``: and it is too long."""
        out = None
        if self.new:
            out = [self.reset, [encode(v) for v in self.new]]
            self.new, self.reset = [], False
        if may_reset:  # ids sent stay valid up to and including this message
            self.clear()
            self.reset = True
        return out


class Tables:
    """
    All that the peer knows by number. What has left the cluster leaves a table when that is begun anew, once most of
    what is in it can be of no use any more: so at most one name is told again for each that is new.
    """

    def __init__(self, scheduler):
        self.group, self.lane, self.type = Intern(), Intern(), Intern()
        self.worker, self.prefix, self.action = Intern(), Intern(), Intern()
        self.group_prefix = group_prefix = {}  # of the groups that are not announced yet
        worker_ids = self.worker
        # In the order in which they are announced: a lane names a worker.
        encoders = {
            "group": lambda g: (text(g), text(group_prefix.get(g, g))),
            "lane": lambda lane: (worker_ids[lane[0]], float(lane[1] or 0)),
            "type": lambda t: "" if t is None else text(t),
            "worker": lambda w: "" if w is None else text(w),
            "prefix": text,
            "action": text,
        }
        self._announced = [(name, getattr(self, name), encode) for name, encode in encoders.items()]
        self._in_use = {  # how many of them can be, at most or about
            "group": lambda: len(scheduler.task_groups),
            "lane": lambda: scheduler.total_nthreads,
            "worker": lambda: len(scheduler.workers),
            "prefix": lambda: len(scheduler.task_prefixes),
        }

    def group_id(self, name, prefix):
        if name not in self.group:
            self.group_prefix[name] = prefix
        return self.group[name]

    def _limit(self, name):
        count = self._in_use.get(name)
        return 0 if count is None else 4 * count()

    def begin_anew(self):
        for _, table, _ in self._announced:
            table.begin_anew()

    def flush(self, may_reset):
        """What the peer does not know yet, by table."""
        out = {}
        for name, table, encode in self._announced:
            full = len(table) > MAX_INTERNED and len(table) > self._limit(name)
            if table.new or full:
                new = table.flush(may_reset and full, encode)
                if new:
                    out[name] = new
        self.group_prefix.clear()
        return out

"""What finished tasks waited for: since when they could have begun, and whose results they took."""

from array import array
from itertools import filterfalse

from .limits import MAX_FORGOTTEN


class Links:
    """
    ``known`` holds one number a task, as long as the scheduler keeps it: when it left ``waiting``, or, once it has
    finished, minus the number of the record of that run, which are counted from 0 on.
    """

    PER_RECORD = (("ready", "d"), ("needs", "I"), ("dependencies", "H"))

    def __init__(self, tasks):
        self.tasks = tasks  # the scheduler's
        self.known = {}  # by key
        self.gone = []  # keys of forgotten tasks
        # "ready" is a time only where it is > 0.
        self.cols = {name: array(code) for name, code in self.PER_RECORD}
        self.back = array("I")  # of each known dependency: by how much its record's number is less

    def make(self, first, keys, ready, needs, needed):
        """The columns of records ``first`` and on, and distances; they are known by their numbers from here on."""
        known = self.known
        n = len(keys)
        known.update(zip(keys, range(-first, -first - n, -1)))
        found, back = array("H", bytes(2 * n)), array("I")
        if any(needs):
            known_of = known.get
            for i, of_one in enumerate(needed):
                number = first + i
                for key in of_one:
                    at = known_of(key, 1)
                    if -number < at <= 0:  # neither one that is run again nor one that was meanwhile
                        back.append(number + at)
                        found[i] += 1
        return array("d", ready), array("I", needs), found, back

    def extend(self, made):
        *columns, back = made
        for col, column in zip(self.cols.values(), columns):
            col.extend(column)
        self.back.extend(back)

    def add(self, number, key, ready, needs, needed):
        self.extend(self.make(number, [key], [ready], [needs], [needed]))

    def drop(self, keys):
        """Of these tasks' latest runs there is no record."""
        for key in keys:
            self.known.pop(key, None)

    def settle(self):
        """What the scheduler does not keep is not kept here, a part of it each tick."""
        gone = self.gone
        if gone:
            self.drop(filterfalse(self.tasks.__contains__, gone[-MAX_FORGOTTEN:]))  # it may have come again
            del gone[-MAX_FORGOTTEN:]

    def restart(self):
        """The scheduler forgot all its tasks."""
        self.known.clear()
        self.gone.clear()

    def trim(self, n):
        for col in self.cols.values():
            del col[n:]
        del self.back[sum(self.cols["dependencies"]) :]

    def take(self, n, first):
        """The columns of the ``n`` oldest records, of which ``first`` is the number, removed from here."""
        m = sum(self.cols["dependencies"][:n])
        out = {"first": first, "back": self.back[:m].tobytes()}
        del self.back[:m]
        for name, col in self.cols.items():
            out[name] = col[:n].tobytes()
            del col[:n]
        return out

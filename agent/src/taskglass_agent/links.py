"""What finished tasks waited for: since when they could have begun, and whose results they took."""

from array import array
from itertools import islice

from .limits import MAX_FORGOTTEN, MAX_LINKS, NAN


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

    def add(self, key, ts, number):
        """What is known of record ``number``, which is about to be made; ``ts`` may be None."""
        needed = ts.dependencies if ts is not None else ()
        known = self.known
        found = 0
        for dependency in islice(needed, MAX_LINKS):
            at = known.get(dependency.key, 1)
            if at <= 0:  # not one that is run again
                self.back.append(number + at)
                found += 1
        self.cols["ready"].append(known.get(key, NAN))
        self.cols["needs"].append(len(needed))
        self.cols["dependencies"].append(found)
        known[key] = -number

    def drop(self, key):
        """Of this task there is no record."""
        self.known.pop(key, None)

    def settle(self, forgotten):
        """``forgotten``: TaskStates. What the scheduler does not keep is not kept here, a part of it each tick."""
        gone, tasks = self.gone, self.tasks
        gone.extend([ts.key for ts in forgotten])
        for key in gone[-MAX_FORGOTTEN:]:
            if key not in tasks:  # it may have come again
                self.drop(key)
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

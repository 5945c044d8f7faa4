"""What the scheduler still knows of the time before we came."""

from itertools import islice

from .limits import MAX_PAST
from .records import Records, names_of


class Past:
    """
    The scheduler's own task-stream buffer, if it has one, as records. With a resume point of this very scheduler
    only what happened since then, and ``gap``: figures of how much that was.
    """

    def __init__(self, scheduler, tables, resume):
        self.tasks = scheduler.tasks
        self.records = Records(scheduler.tasks, tables)
        self.at = 0
        self.gap = None
        self.before_us = not resume or resume.get("id") != scheduler.id  # not the filling of a gap
        plugin = scheduler.plugins.get("task-stream")
        buffer = getattr(plugin, "buffer", None)
        index = getattr(plugin, "index", None)
        if buffer is None or not isinstance(index, int):
            buffer, index = (), None
        self.entries = list(buffer) if self.before_us else self._since(scheduler, resume, buffer, index)

    def _since(self, s, resume, buffer, index):
        self.gap = gap = {"finished": finished_count(s), "index": index, "logged": None, "recovered": None}
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
        return entries

    def take(self):
        """The next part as a message."""
        part = self.entries[self.at : self.at + MAX_PAST]
        self.at += len(part)
        if self.at >= len(self.entries):
            self.entries, self.at = (), 0
        for m in part:
            try:
                finish = "erred" if "exception" in m or m.get("status") == "error" else "memory"
                key = m["key"]
                self.records.add(key, finish, m, names_of(self.tasks.get(key), key))
            except Exception:
                self.records.trim()
        out = self.records.take(MAX_PAST)
        if out is not None:
            out["past"] = self.before_us
        return out


def finished_count(scheduler):
    """How often a task came to memory or erred, by the scheduler's own count; it starts anew at a restart."""
    try:
        return sum(p.state_counts["memory"] + p.state_counts["erred"] for p in scheduler.task_prefixes.values())
    except Exception:
        return None

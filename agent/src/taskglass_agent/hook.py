"""What runs inside the scheduler's every transition. Everything else can wait for a tick."""

from itertools import islice
from time import perf_counter, thread_time

from distributed.metrics import time

from .limits import INF, MAX_LINKS, MAX_PENDING, NAN, SAMPLE_EVERY


class Hook:
    """``transition`` is the plugin's hook: a function that closes over bound appends, no lookups through self."""

    def __init__(self, scheduler, tables, records, memory, announced):
        self.records = records
        self.sample = [0.0, 0]  # seconds, calls
        self.transition = self._build(scheduler.tasks, tables, memory, announced)
        self.call_cost = self._calibrate()

    def _build(self, tasks, tables, memory, running):
        records, sample, odd = self.records, self.sample, self._odd
        lanes, types, actions, workers = tables.lane, tables.type, tables.action, tables.worker
        group_number = tables.group.get
        cols = records.cols
        a_group, a_lane, a_type = cols["group"].append, cols["lane"].append, cols["type"].append
        a_nss, a_nbytes = cols["nss"].append, cols["nbytes"].append
        a_action, a_start, a_stop = cols["action"].append, cols["start"].append, cols["stop"].append
        a_origin = records.origin.append
        keys, add = records.keys, records.add
        a_key = keys.append
        links = records.links
        asked = links is not None
        if asked:
            known, known_of = links.known, links.known.get
            a_ready, a_needs, a_found = (links.cols[name].append for name in ("ready", "needs", "dependencies"))
            a_back, a_gone = links.back.append, links.gone.append
        a_came, a_left, a_forgotten = memory.came.append, memory.left.append, memory.forgot.append
        mask = SAMPLE_EVERY - 1

        # stimulus_id is named because every call has one, and the rest is not because few calls have it: a keyword
        # that goes to **kw costs more than all that is done here for most transitions.
        def transition(key, start, finish, *args, stimulus_id=None, **kw):
            try:
                if finish == "processing":
                    if start == "waiting" and asked:
                        known[key] = time()
                    return
                if finish != "memory" and finish != "erred":
                    if start == "memory":
                        a_left(tasks[key])
                    if finish == "forgotten":
                        if start != "erred":
                            a_forgotten(tasks[key])
                        elif asked:
                            a_gone(key)
                    elif start == "waiting" and asked and finish != "released":
                        known[key] = time()  # queued, or without a worker that may run it
                    return
                # A late result of a task that was sent back to waiting is a run as well. Dependents of an erred
                # task become erred without one.
                if start != "processing" and (finish == "erred" or not kw.get("startstops")):
                    return
                n = len(keys)
                timed = not n & mask
                if timed:
                    t0 = thread_time()
                ts = tasks[key]
                if finish == "memory":
                    a_came(ts)
                if n >= MAX_PENDING:
                    records.dropped += 1
                    if asked:
                        links.drop(key)
                    return
                worker = kw.get("worker")
                mine = running.get(worker)
                if mine:
                    mine.pop(key, None)
                if finish == "erred":
                    add(key, finish, kw)
                    return
                group = ts.group
                name = group.name
                number = group_number(name)
                if number is None:
                    number = tables.group_id(name, group.prefix.name)
                a_group(number)
                a_lane(lanes[worker, kw["thread"]])
                a_type(types[kw["typename"]])
                a_nbytes(kw["nbytes"])
                startstops = kw["startstops"]
                for s in startstops:
                    action = s["action"]
                    a_action(actions[action])
                    a_start(s["start"])
                    a_stop(s["stop"])
                    if action == "transfer":
                        a_origin(workers[s.get("source")])
                a_nss(len(startstops))
                if asked:  # as Links.add, without the call
                    number = records.sent + n
                    needed = ts.dependencies
                    count = len(needed)
                    found = 0
                    if count:
                        for dependency in needed if count <= MAX_LINKS else islice(needed, MAX_LINKS):
                            at = known_of(dependency.key, 1)
                            if at <= 0:
                                a_back(number + at)
                                found += 1
                    a_ready(known_of(key, NAN))
                    a_needs(count)
                    a_found(found)
                    known[key] = -number
                a_key(key)  # last: a record exists once its key does
                if timed:
                    sample[0] += thread_time() - t0
                    sample[1] += 1
            except Exception:
                odd(key, finish, kw)

        return transition

    def _odd(self, key, finish, kw):
        """A payload that the fast path could not take. The record is kept, without what cannot be read."""
        if finish != "memory" and finish != "erred":
            return
        records = self.records
        try:
            records.trim()
            while records.errors and records.errors[-1][0] >= records.sent + len(records.keys):
                records.errors.pop()
            records.add(key, finish, kw)
        except Exception:
            records.trim()
            records.dropped += 1
            if records.links is not None:
                records.links.drop(key)

    def _calibrate(self):
        """Seconds of a call that is not for us, the call itself included."""
        tr, best = self.transition, INF
        for _ in range(4):
            t0 = perf_counter()
            for _ in range(64):
                tr("", "waiting", "processing", stimulus_id="")
            best = min(best, (perf_counter() - t0) / 64)
        if self.records.links is not None:
            self.records.links.restart()
        return best

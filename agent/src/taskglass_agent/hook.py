"""What runs inside the scheduler's every transition. Everything else can wait for a tick."""

from itertools import islice
from time import perf_counter, thread_time

from distributed.metrics import time

from .intake import FIELDS, KEY
from .limits import INF, MAX_LINKS, MAX_RAW, NAN, TIMED_CALLS

FULL = MAX_RAW * len(FIELDS)


class Hook:
    """
    ``transition`` is the plugin's hook: a function that closes over what it needs, no lookups through self. ``timed``
    is the same until a task finishes: that call is timed, and puts ``transition`` back in its place. ``time_one`` puts
    it there, for a few calls at most: a burst of others is not to pay for it.
    """

    def __init__(self, plugin, scheduler, intake, memory, announced):
        self.intake = intake
        self.memory = memory
        self.announced = announced
        self.sample = [0.0, 0]  # seconds, calls
        self.patience = [0]  # calls
        self.plugin = plugin
        self.transition = self._build(scheduler.tasks, memory)
        self.timed = self._build_timed()
        self.call_cost = self._calibrate()

    def _build(self, tasks, memory):
        # Every name that is closed over is copied in every call, so what is seldom needed is behind one of them.
        hook, intake = self, self.intake
        raw, balance_of = intake.raw, memory.balance_of
        links = intake.records.links
        known, gone = (None, None) if links is None else (links.known, links.gone)

        # All keywords of a finished task are named, used or not: one that goes to **kw costs more than all that is
        # done here for most transitions. None is keyword-only: their defaults are looked up by name in every call.
        # And of what is kept nothing is new to the garbage collector but what Dask made anyway.
        def transition(
            key,
            start,
            finish,
            stimulus_id=None,
            worker=None,
            startstops=None,
            thread=None,
            nbytes=None,
            typename=None,
            type=None,
            metadata=None,
            status=None,
            *more,
            **kw,
        ):
            try:
                if start == "memory":
                    ts = tasks[key]
                    balance = balance_of[ts.group]
                    if ts.run_spec is not None:  # not scattered
                        balance[0] -= 1
                        size = ts.nbytes
                        if size > 0:
                            balance[1] -= size
                    if finish == "forgotten":
                        balance[2] += 1
                        if known is not None:
                            gone.append(key)
                elif finish == "forgotten":
                    ts = tasks[key]
                    if ts.nbytes >= 0 and start != "erred":  # it had completed
                        balance_of[ts.group][2] += 1
                    if known is not None:
                        gone.append(key)
                elif finish == "memory":
                    # A late result of a task that was sent back to waiting is a run as well.
                    if start == "processing" or startstops:
                        ts = tasks[key]
                        if known is None:
                            raw.extend((key, ts.group, worker, thread, typename, nbytes, startstops, NAN, 0, ()))
                        else:
                            needed = ts.dependencies
                            count = len(needed)
                            if count:
                                needed = tuple(map(KEY, needed if count <= MAX_LINKS else islice(needed, MAX_LINKS)))
                            else:
                                needed = ()
                            ready = known.get(key, NAN)
                            raw.extend(
                                (key, ts.group, worker, thread, typename, nbytes, startstops, ready, count, needed)
                            )
                        if len(raw) >= FULL:
                            hook.absorb()
                elif finish == "processing":
                    if start == "waiting" and known is not None:
                        known[key] = time()
                elif finish == "waiting":
                    pass
                elif finish == "erred":
                    if start == "processing":  # dependents of an erred task become erred without a run
                        hook.erred(key, worker, startstops, thread, nbytes, typename, kw)
                elif start == "waiting" and finish != "released" and known is not None:
                    known[key] = time()  # queued, or without a worker that may run it
            except Exception:
                hook.odd(key, finish, worker, startstops, thread, nbytes, typename, kw)

        return transition

    def absorb(self):
        try:
            self.intake.absorb()
        except Exception as e:
            self.intake.error = e

    def time_one(self):
        self.patience[0] = TIMED_CALLS
        self.plugin.transition = self.timed

    def _build_timed(self):
        plugin, transition, sample, patience = self.plugin, self.transition, self.sample, self.patience

        def timed(key, start, finish, *args, **kw):
            if finish != "memory":
                patience[0] -= 1
                if patience[0] <= 0:
                    plugin.transition = transition
                transition(key, start, finish, *args, **kw)
                return
            plugin.transition = transition
            t0 = thread_time()
            transition(key, start, finish, *args, **kw)
            sample[0] += thread_time() - t0
            sample[1] += 1

        return timed

    def erred(self, key, worker, startstops, thread, nbytes, typename, kw):
        mine = self.announced.get(worker)
        if mine:
            mine.pop(key, None)
        self.odd(key, "erred", worker, startstops, thread, nbytes, typename, kw)

    def odd(self, key, finish, worker, startstops, thread, nbytes, typename, kw):
        """A payload that is not for the fast path. The record is kept, without what cannot be read."""
        if finish != "memory" and finish != "erred":
            return
        try:
            self.intake.absorb()
            of = {"worker": worker, "startstops": startstops, "thread": thread, "nbytes": nbytes, "typename": typename}
            self.intake.add(key, finish, {**kw, **of})
        except Exception as e:
            self.intake.records.dropped += 1
            self.intake.error = e

    def _calibrate(self):
        """Seconds of a call that is not for us, the call itself included."""
        tr, best = self.transition, INF
        for _ in range(4):
            t0 = perf_counter()
            for _ in range(64):
                tr("", "released", "waiting", stimulus_id="")
            best = min(best, (perf_counter() - t0) / 64)
        return best

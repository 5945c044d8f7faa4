"""What the agent itself costs the scheduler."""

from time import perf_counter

from .limits import FULL_TICK, NAN


class Cost:
    """Sums between two readings."""

    def __init__(self, hook, counter):
        self.hook = hook
        self._begin_anew(counter)

    def _begin_anew(self, counter):
        self.since = perf_counter()
        self.counter = counter  # the scheduler's transitions
        self.cpu = self.max_lag = 0.0  # seconds
        self.finished = 0
        self.encode_cpu, self.encoded = 0.0, 0

    def add_encoded(self, records, seconds):
        self.finished += records
        # A tick's own cost is in `share`. Divided among a few records it would pass for theirs.
        if records >= FULL_TICK:
            self.encode_cpu += seconds
            self.encoded += records

    def take(self, counter):
        """(share of a core 0..1, microseconds that one more finished task costs or NaN, the loop's lag in seconds)."""
        hook, sample = self.hook, self.hook.sample
        seconds, calls = sample
        per_call = seconds / calls + hook.call_cost if calls else 0.0
        finished = self.finished
        others = max(counter - self.counter - finished, 0)
        per_task = per_call + (self.encode_cpu / self.encoded if self.encoded else 0.0)
        used = self.cpu + per_call * finished + hook.call_cost * others
        share = used / max(perf_counter() - self.since, 1e-3)
        out = (min(share, 1.0), per_task * 1e6 if finished and calls else NAN, max(self.max_lag, 0.0))
        sample[:] = 0.0, 0
        self._begin_anew(counter)
        return out

"""Runs a task again that is finished, or one that runs. Dask has no operation for either, but all the transitions."""

import re
from time import time

import distributed

# So many tasks at most are computed once more because of one.
MOST_NEEDED = 10_000

STATES = {
    "released": "nobody needs its result any more, and it was let go",
    "waiting": "it waits for what it needs, and has not run",
    "queued": "it is queued, and has not run",
    "no-worker": "no worker may run it, and it has not run",
    "erred": "it has erred",
    "processing": "it is running",
    "memory": "it has finished",
}


NOT_APART = "this version of Dask cannot tell a late result of one run from that of the next"

OF_SHUFFLE = "it is part of a shuffle, or needs one again"


class Refused(Exception):
    pass


def answered(act):
    """The answer is ``{"done": what was done}`` or ``{"refused": why not}``; then nothing was changed."""

    def answer(key, dask_scheduler):
        try:
            return {"done": act(dask_scheduler, key)}
        except Refused as why:
            return {"refused": str(why)}

    return answer


@answered
def rerun(s, key):
    """A finished task: what Dask does when the only worker that has its result is lost."""
    ts = find(s, key, "memory")
    needed = needed_again(ts)
    users = [dep for dep in ts.waiters or () if dep.state in ("processing", "queued", "no-worker")]
    if not keeps_what_was_made() and any(dep.who_has for dep in ts.dependents):
        raise Refused("a result was made of it, which this version of Dask would lose if it erred now")
    if not tells_runs_apart(ts) and any(dep.state == "processing" for dep in users):
        raise Refused(f"{NOT_APART}, and one that has its result is running")
    # Some versions leave those in the queue when what they need goes. Last come, first done: they follow their input.
    steps = {dep.key: "waiting" for dep in users if dep.state == "queued"}
    steps[key] = "released"
    s.transitions(steps, f"taskglass-rerun-{time()}")
    said = "its result was dropped, and it runs again"
    if needed:
        said += f" with {needed} that it needs"
    if users:
        said += f"; {len(users)} that had its result wait for it again"
    return said


@answered
def restart(s, key):
    """A running task. A worker that is asked again for what it runs goes on with it, so another one is asked."""
    ts = find(s, key, "processing")
    if not tells_runs_apart(ts):
        raise Refused(NOT_APART)
    now = ts.processing_on
    valid = s.valid_workers(ts)
    others = {ws for ws in s.running if ws is not now and (valid is None or ws in valid)}
    if not others and ts.loose_restrictions:
        others = {ws for ws in s.running if ws is not now}
    if not others:
        raise Refused("no other worker may run it, and this one would go on with what it does")
    # Which of them it is, is for Dask to choose.
    kept = ts.worker_restrictions, ts.host_restrictions
    ts.worker_restrictions, ts.host_restrictions = {ws.address for ws in others}, None
    try:
        s.transitions({key: "released"}, f"taskglass-restart-{time()}")
    finally:
        ts.worker_restrictions, ts.host_restrictions = kept
    where = f" on {named(ts.processing_on)}" if ts.processing_on is not None else ""
    return f"it begins anew{where}, and what runs on {named(now)} is ignored"


def tells_runs_apart(ts):
    """Where a scheduler does not, until 2023.1.0, a result that it does not expect costs it the worker."""
    return hasattr(ts, "run_id")


def keeps_what_was_made():
    """Until 2024.3.0 what errs takes with it whatever had been made of its result before."""
    return tuple(int(n) for n in re.findall(r"\d+", distributed.__version__)[:3]) >= (2024, 3, 1)


def find(s, key, state):
    ts = s.tasks.get(key)
    if ts is None:
        raise Refused("the scheduler has it no more")
    if not ts.run_spec:
        raise Refused("it was scattered: no function made it, and its data would be lost")
    if ts.actor:
        raise Refused("it is an actor: its state would be lost")
    if ts.state != state:
        raise Refused(STATES.get(ts.state, ts.state))
    if not (ts.who_wants or ts.waiters):
        raise Refused("nobody needs its result any more: it would only be dropped")
    if is_of_shuffle(ts):
        raise Refused(OF_SHUFFLE)
    return ts


def is_of_shuffle(ts):
    """A shuffle keeps its data by itself: its tasks hang together by more than their results."""
    near = (ts, *ts.dependencies, *ts.dependents)
    return any(isinstance(one.key, str) and one.key.startswith("shuffle-barrier-") for one in near)


def needed_again(ts):
    """How many tasks have to be computed once more before this one can be."""
    seen, stack = {ts.key}, [ts]
    while stack:
        one = stack.pop()
        if one.has_lost_dependencies:
            raise Refused("something that it needs was forgotten")
        for dep in one.dependencies:
            if dep.who_has or dep.key in seen:
                continue
            if dep.state == "erred":
                raise Refused("something that it needs has erred: that can be retried")
            if dep.state != "released":  # comes anyway
                continue
            if not dep.run_spec or dep.actor:
                raise Refused("something that it needs is gone, and no function makes it again")
            if is_of_shuffle(dep):
                raise Refused(OF_SHUFFLE)
            seen.add(dep.key)
            stack.append(dep)
            if len(seen) > MOST_NEEDED:
                raise Refused(f"more than {MOST_NEEDED:,} tasks that it needs would be computed again")
    return len(seen) - 1


def named(ws):
    return str(ws.name)[:100]

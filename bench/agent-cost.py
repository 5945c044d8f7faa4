"""What the agent costs a scheduler: CPU per transition and per tick, with simulated workers and prefixes.

    .venv/bin/python bench/agent-cost.py [WORKERS ...]

Prints one JSON object: per number of workers (as many prefixes, two groups each, every task with one dependency),
microseconds of this thread's CPU.
Budgets: 4 us per finished task, 0.3 us per other transition, 1 % of a core for the ticks at 500 workers.
"""

import asyncio
import gc
import inspect
import json
import os
import random
import sys
import time

import distributed
from distributed import Scheduler
from distributed.core import Status
from distributed.diagnostics.task_stream import TaskStreamPlugin
from distributed.scheduler import WorkerState, heartbeat_interval

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "agent", "src"))
from taskglass_agent import agent as A

SIZES = tuple(map(int, sys.argv[1:])) or (10, 100, 500)
# Those of a task of the simplest kind, but for the one that finishes it.
OTHERS = (
    ("released", "waiting"),
    ("waiting", "waiting"),
    ("waiting", "queued"),
    ("queued", "processing"),
    ("memory", "forgotten"),
)
TASKS = 5_000


def metrics(now):
    return {
        "managed_bytes": 123456789,
        "spilled_bytes": {"memory": 0, "disk": 0},
        "bandwidth": {"total": 1e8, "workers": {}, "types": {}},
        "event_loop_interval": 0.02,
        "cpu": 97.3,
        "memory": 500_000_000,
        "time": now,
        "host_net_io": {"read_bps": 1e6, "write_bps": 2e6},
        "host_disk_io": {"read_bps": 1e6, "write_bps": 2e6},
        "num_fds": 30,
        "task_counts": {"executing": 2, "memory": 100, "ready": 3},
        "digests_total_since_heartbeat": {"latency": 0.002},
    }


def add_workers(s, n):
    known = inspect.signature(WorkerState.__init__).parameters
    for i in range(n):
        address = f"tcp://10.0.{i // 250}.{i % 250 + 1}:{30000 + i}"
        options = {
            "address": address,
            "status": Status.running,
            "pid": i,
            "name": f"worker-{i}",
            "nthreads": 4,
            "memory_limit": 16 << 30,
            "local_directory": f"/scratch/worker-{i}",
            "nanny": f"tcp://10.0.0.1:{20000 + i}",
            "server_id": f"W-{i}",
            "services": {"dashboard": 40000 + i},
            "scheduler": s,
        }
        ws = WorkerState(**{k: v for k, v in options.items() if k in known})
        ws.metrics = metrics(time.time())
        ws.nbytes = random.randrange(1 << 30)
        s.workers[address] = ws
        s.total_nthreads += 4


def us(f, n, before=lambda: None, less=lambda: None):
    """
    Microseconds of thread CPU beyond those of ``less``: least and median. (Wall time of a shared machine says little.)
    """
    readings = []
    gc.disable()
    for _ in range(n):
        before()
        t0 = time.thread_time_ns()
        less()
        t1 = time.thread_time_ns()
        f()
        readings.append((time.thread_time_ns() - t1 - (t1 - t0)) / 1e3)
    gc.enable()
    readings.sort()
    return {"min": round(readings[0], 2), "p50": round(readings[n // 2], 2)}


def per(reading, n):
    return {k: round(v / n, 3) for k, v in reading.items()}


async def measure(n):
    async with Scheduler(
        port=0, dashboard=False, dashboard_address=":0", host="127.0.0.1"
    ) as s:
        prefixes = [f"task_prefix_{chr(97 + i % 26)}{i}" for i in range(n)]
        keys = []
        inputs = []
        for prefix in prefixes:
            inputs.append(s.new_task(f"input-{prefix}", "spec", "memory"))
            inputs[-1].nbytes = 1000
            for g in range(2):
                for j in range(10):
                    key = (f"{prefix}-{g:032x}", j)
                    ts = s.new_task(key, "spec", "processing")
                    ts.nbytes = 1000
                    ts.add_dependency(inputs[-1])
                    keys.append(key)
        add_workers(s, n)
        agent = A.Agent(s, None, 0.1, {"links": True})
        unasked = A.Agent(s, None, 0.1)
        addresses = list(s.workers)
        now = time.time()
        compute = {"action": "compute", "start": now, "stop": now + 0.1}
        transfer = {
            "action": "transfer",
            "start": now,
            "stop": now + 0.1,
            "source": addresses[0],
        }
        finished = [
            {
                "worker": random.choice(addresses),
                "thread": 140036213212864 + random.randrange(4) * 8,
                "nbytes": 1000,
                "type": b"\x80\x04abc",
                "typename": "numpy.ndarray",
                "startstops": (transfer, compute)
                if random.random() < 0.5
                else (compute,),
                "metadata": {},
                "stimulus_id": "task-finished-1795300925.06926",
            }
            for _ in range(TASKS)
        ]
        chosen = [random.choice(keys) for _ in finished]

        for each in inputs:
            agent.transition(each.key, "processing", "memory", **finished[0])

        def finish(transition, afterwards=lambda: None):
            """``afterwards``: what else a finished task costs before a tick takes it."""

            def run():
                for key, kw in zip(chosen, finished):
                    transition(key, "processing", "memory", **kw)
                afterwards()

            return run

        def touch():
            """What the scheduler has just done itself when it calls: tasks that nobody looked at come from afar."""
            for key in chosen:
                s.tasks.get(key).get_nbytes()

        def other(start, end):
            def run():
                for key in chosen:
                    s.tasks.get(key).get_nbytes()
                    agent.transition(key, start, end, stimulus_id="x")

            return run

        def others():
            for start, end in OTHERS:
                other(start, end)()

        def touch_others():
            for _ in OTHERS:
                touch()

        def cost_of(start, end):
            return per(us(other(start, end), 40, drain, touch), TASKS)

        class Empty:
            def transition(self, key, start, finish, *args, **kw):
                pass

        def drain(agent=agent):
            while agent.tick(s):
                pass

        def drain_unasked():
            drain(unasked)

        def become_ready():
            drain()
            for key in chosen:
                agent.transition(key, "waiting", "processing", stimulus_id="x")

        stream = TaskStreamPlugin(s, maxlen=100_000)
        out = {
            "finished task": per(
                us(finish(agent.transition, agent.intake.absorb), 40, become_ready),
                TASKS,
            ),
            "waiting -> processing": cost_of("waiting", "processing"),
            "memory -> released": cost_of("memory", "released"),
            "memory -> forgotten": cost_of("memory", "forgotten"),
            "released -> forgotten": cost_of("released", "forgotten"),
            "mean of a task's other transitions": per(
                us(others, 40, drain, touch_others), TASKS * len(OTHERS)
            ),
            "finished task, not asked what it waited for": per(
                us(
                    finish(unasked.transition, unasked.intake.absorb), 40, drain_unasked
                ),
                TASKS,
            ),
            "finished task, empty plugin": per(
                us(finish(Empty().transition), 40), TASKS
            ),
            "finished task, Dask's task stream": per(
                us(finish(stream.transition), 40), TASKS
            ),
        }
        unasked.detach(s)
        drain()
        drain()
        finish(agent.transition)()
        out["bytes per finished task"] = round(len(agent.tick(s)) / TASKS, 1)
        drain()
        beats = 0.1 / heartbeat_interval(n) * n

        def beat():
            s.transition_counter += 1
            heard = time.time()
            for address in random.sample(addresses, min(n, max(1, int(beats)))):
                s.workers[address].last_seen = heard

        def tick():
            agent.tick(s)

        out["heartbeats per tick"] = round(min(beats, n), 1)
        out["tick, busy"] = us(tick, 300, beat)

        def with_100():
            beat()
            for key, kw in zip(chosen[:100], finished):
                agent.transition(key, "processing", "memory", **kw)

        out["tick, busy, 100 finished tasks"] = us(tick, 200, with_100)
        drain()
        out["tick, idle"] = us(tick, 300)
        out["busy share of a core"] = f"{out['tick, busy']['p50'] / 1e5:.2%}"
        s.workers.clear()
        return out


async def main():
    result = {"distributed": distributed.__version__, "python": sys.version.split()[0]}
    for n in SIZES:
        result[f"{n} workers"] = await measure(n)
    print(json.dumps(result, indent=1))


asyncio.run(main())

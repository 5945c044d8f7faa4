"""Thousands of workers in one process: they register with a real scheduler, take its tasks, report them done, and send heartbeats.

    python simulated_workers.py ADDRESS COUNT NTHREADS MEAN_SECONDS SKEW_SECONDS [NAME]

Nothing is computed: a task holds one of its worker's threads for a random time around the mean. What the scheduler sees is what real
workers would say, over as many connections. The clocks of a third of them are ahead by the skew, those of another third
behind; as real workers do, they tell times of computing by the scheduler's clock, as they know it. Prints ``ready`` once all have registered.
"""

import asyncio
import heapq
import pickle
import random
import sys
import zlib
from time import time as real_time

from distributed.core import connect, rpc
from distributed.versions import get_versions

ADDRESS, COUNT, NTHREADS, MEAN, SKEW = sys.argv[1], *map(int, sys.argv[2:4]), *map(float, sys.argv[4:6])
NAME = sys.argv[6] if len(sys.argv) > 6 else "simulated"
NETWORK = "10.{}.{}".format(*divmod(zlib.crc32(NAME.encode()) % 62_500, 250))
INT = pickle.dumps(int)
VERSIONS = get_versions()
TRANSFERS = [f"{way}_{what}" for way in ("incoming", "outgoing") for what in ("bytes", "count", "count_total")]
PER_HOST = 50
HEARTBEAT = 5.0


class Worker:
    def __init__(self, number):
        self.number = number
        self.skew = (0, SKEW, -SKEW)[number % 3]
        host, port = divmod(number, PER_HOST)
        self.address = f"tcp://{NETWORK}.{host + 1}:{30000 + port}"
        self.free = list(range(NTHREADS))
        self.ready = []
        self.executing = {}
        self.data = set()
        self.out = []
        self.wake = asyncio.Event()

    def time(self):
        return real_time() + self.skew

    def metrics(self):
        busy = len(self.executing)
        return {
            "managed_bytes": 28 * len(self.data),
            "spilled_bytes": {"memory": 0, "disk": 0},
            "bandwidth": {"total": 1e8, "workers": {}, "types": {}},
            "transfer": dict.fromkeys(TRANSFERS, 0),
            "event_loop_interval": 0.02,
            "cpu": 100.0 * busy,
            "memory": 200_000_000 + 1_000_000 * busy,
            "time": self.time(),
            "host_net_io": {"read_bps": 1e5, "write_bps": 1e5},
            "host_disk_io": {"read_bps": 0.0, "write_bps": 0.0},
            "num_fds": 30,
            "task_counts": {"executing": busy, "memory": len(self.data), "ready": len(self.ready)},
            "digests_total_since_heartbeat": {"latency": 0.002},
        }

    async def run(self, registered):
        self.comm = comm = await connect(ADDRESS)
        asked = self.time()
        await comm.write(
            {
                "op": "register-worker",
                "reply": False,
                "address": self.address,
                "status": "running",
                "nthreads": NTHREADS,
                "name": f"{NAME}-{self.number}",
                "resolve_address": False,
                "now": self.time(),
                "resources": {},
                "memory_limit": 16 << 30,
                "local_directory": f"/scratch/{self.number}",
                "services": {},
                "nanny": None,
                "pid": 1000 + self.number,
                "versions": VERSIONS,
                "metrics": self.metrics(),
                "extra": {},
                "stimulus_id": f"{NAME}-{self.number}",
                "server_id": f"{NAME}-{self.number}",
            },
            serializers=["msgpack"],
        )
        reply = await comm.read()
        self.delay = reply["time"] - (asked + self.time()) / 2
        registered()
        writing = asyncio.ensure_future(self.write())
        try:
            while True:
                for message in await comm.read():
                    self.handle(message)
        finally:
            writing.cancel()

    def handle(self, message):
        op = message.get("op")
        if op == "compute-task":
            heapq.heappush(self.ready, (message["priority"], message["key"], message["run_id"]))
            self.start()
        elif op in ("free-keys", "remove-replicas"):
            self.data.difference_update(message["keys"])
        elif op == "steal-request":
            self.say(
                {
                    "op": "steal-response",
                    "key": message["key"],
                    "state": "executing",
                    "stimulus_id": message["stimulus_id"],
                }
            )

    def start(self):
        while self.free and self.ready:
            _, key, run_id = heapq.heappop(self.ready)
            thread = self.free.pop()
            self.executing[key] = self.time()
            asyncio.get_running_loop().call_later(random.expovariate(1 / MEAN), self.finish, key, run_id, thread)

    def finish(self, key, run_id, thread):
        began = self.executing.pop(key)
        self.free.append(thread)
        self.data.add(key)
        self.say(
            {
                "op": "task-finished",
                "status": "OK",
                "key": key,
                "run_id": run_id,
                "nbytes": 28,
                "type": INT,
                "typename": "int",
                "metadata": {},
                "thread": 10_000 + thread,
                "startstops": [{"action": "compute", "start": began + self.delay, "stop": self.time() + self.delay}],
                "stimulus_id": f"task-finished-{self.time()}",
            }
        )
        self.start()

    def say(self, message):
        self.out.append(message)
        self.wake.set()

    async def write(self):
        while True:
            await self.wake.wait()
            self.wake.clear()
            out, self.out = self.out, []
            await self.comm.write(out, serializers=["msgpack"])
            await asyncio.sleep(0.01)


async def heartbeats(workers):
    """Each worker's own, spread over the interval."""
    async with rpc(ADDRESS) as scheduler:
        while True:
            for worker in workers:
                now = worker.time()
                executing = {key: now - began for key, began in worker.executing.items()}
                await scheduler.heartbeat_worker(
                    address=worker.address,
                    resolve_address=False,
                    now=now,
                    metrics=worker.metrics(),
                    executing=executing,
                )
                await asyncio.sleep(HEARTBEAT / len(workers))


async def main():
    workers = [Worker(number) for number in range(COUNT)]
    tasks = []
    for at in range(0, COUNT, 50):
        batch = [asyncio.get_running_loop().create_future() for _ in workers[at : at + 50]]
        for worker, future in zip(workers[at : at + 50], batch):
            tasks.append(asyncio.ensure_future(worker.run(lambda future=future: future.set_result(None))))
        await asyncio.gather(*batch)
    tasks.append(asyncio.ensure_future(heartbeats(workers)))
    print("ready", flush=True)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main())

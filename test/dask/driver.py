"""A Dask client that does what a test tells it to: one JSON command a line in, one JSON reply a line out."""

import json
import os
import sys
import tempfile
import time
import traceback
import uuid

from distributed import Client, wait


def inc(x):
    return x + 1


def dec(x):
    return x - 1


def add(x, y):
    return x + y


def fail(message):
    raise ValueError(message)


def make(size):
    return os.urandom(size)


def use(data):
    return len(data)


def snooze(seconds, nonce):
    time.sleep(seconds)
    return seconds


def quick(i):
    return i


def flaky(i, directory):
    """Fails the first time and works the second."""
    path = os.path.join(directory, str(i))
    if os.path.exists(path):
        return i
    with open(path, "w"):
        raise ValueError(f"first attempt of {i}")


def hang(directory):
    from distributed import get_worker

    path = os.path.join(directory, "running")
    with open(path + ".new", "w") as f:
        f.write(get_worker().address)
    os.replace(path + ".new", path)
    while not os.path.exists(os.path.join(directory, "stop")):
        time.sleep(0.02)


class Tally:
    pass


def states_of(keys, dask_scheduler):
    return {dask_scheduler.tasks[key].state for key in keys}


class Driver:
    def __init__(self, address):
        self.client = Client(address, timeout=30)
        self.held = {}

    def hold(self, *futures):
        token = uuid.uuid4().hex
        self.held[token] = list(futures)
        return token

    def release(self, token):
        self.held.pop(token, None)

    def example(self, n=100):
        c = self.client
        xs = c.map(inc, range(n), pure=False)
        ys = c.map(dec, range(n), pure=False)
        zs = c.map(add, xs, ys, pure=False)
        total = c.submit(sum, zs, pure=False)
        result = total.result(timeout=60)
        return {"result": result, "parts": self.hold(xs, ys, zs), "total": self.hold(total)}

    def fail(self, message):
        future = self.client.submit(fail, message, pure=False)
        wait(future, timeout=30)
        return self.hold(future)

    def transfer(self, size=1_000_000):
        a, b = sorted(self.client.scheduler_info(**self.all_workers())["workers"])[:2]
        made = self.client.submit(make, size, pure=False, workers=[a])
        used = self.client.submit(use, made, pure=False, workers=[b])
        used.result(timeout=30)
        return {"origin": a, "worker": b, "token": self.hold(made, used)}

    def all_workers(self):
        import distributed

        return {"n_workers": -1} if distributed.__version__ >= "2025.4" else {}

    def wait_for_workers(self, count):
        self.client.wait_for_workers(count, timeout=60)

    def snooze(self, seconds):
        future = self.client.submit(snooze, seconds, uuid.uuid4().hex, pure=False)
        future.result(timeout=60)

    def hang(self):
        directory = tempfile.mkdtemp(prefix="taskglass-test-")
        future = self.client.submit(hang, directory, pure=False)
        path = os.path.join(directory, "running")
        deadline = time.time() + 30
        while not os.path.exists(path):
            if time.time() > deadline:
                raise TimeoutError("the hanging task does not start")
            time.sleep(0.01)
        with open(path) as f:
            worker = f.read()
        info = self.client.scheduler_info(**self.all_workers())["workers"][worker]
        pid = self.client.run(os.getpid, workers=[worker])[worker]
        return {
            "key": future.key,
            "worker": worker,
            "name": info["name"],
            "pid": pid,
            "directory": directory,
            "token": self.hold(future),
        }

    def stop(self, directory, token):
        futures = self.held.pop(token, [])
        for future in futures:
            future.cancel()
        # What is let go before the scheduler has heard of that finishes as if nothing had been.
        deadline = time.time() + 30
        while any(f.key in keys for keys in self.client.processing().values() for f in futures):
            if time.time() > deadline:
                raise TimeoutError("the scheduler does not cancel the hanging task")
            time.sleep(0.01)
        with open(os.path.join(directory, "stop"), "w"):
            pass

    def scatter(self, count, size):
        return self.hold(self.client.scatter([os.urandom(size) for _ in range(count)], hash=False))

    def burst(self, count, start=0):
        futures = self.client.map(quick, range(start, start + count), pure=False, batch_size=5_000)
        wait(futures, timeout=300)
        assert all(f.status == "finished" for f in futures)
        return self.hold(futures)

    def retried(self, count):
        """Every task errs once and is then retried by the client: two runs each."""
        directory = tempfile.mkdtemp(prefix="taskglass-test-")
        futures = self.client.map(flaky, range(count), [directory] * count, pure=False)
        wait(futures, timeout=120)
        assert all(f.status == "error" for f in futures)
        self.client.retry(futures)
        # Asked of the scheduler: a client takes a future for pending for good when its second run ends before the client
        # has heard that it was retried.
        keys = [future.key for future in futures]
        deadline = time.monotonic() + 120
        while (states := self.client.run_on_scheduler(states_of, keys)) != {"memory"}:
            assert time.monotonic() < deadline, states
            time.sleep(0.1)
        return self.hold(futures)

    def odd_keys(self):
        """Tasks whose keys are hard to print. Gives str() of each."""
        keys = [
            "it's",
            'say "hi"',
            'it\'s "both"',
            "tab\tnewline\nnul\x00",
            "ünïcødé ☃ 🎉",
            "x" * 300,
            "<img src=x onerror=alert(1)>",
        ]
        import distributed

        if distributed.__version__ >= "2024":
            keys += [
                ("x-abc", 0, 1),
                ("t'x", 1.5, -3),
                (1, (2, ("n", 1e300))),
                ("f", 1e16, 0.1, 1e-7),
                ("one",),
                ("e", ()),
            ]
        dsk = {key: (quick, i) for i, key in enumerate(keys)}
        self.client.get(dsk, keys, sync=True)
        return [str(key) for key in keys]

    def chain(self):
        """Two tasks that are held by nobody but the third, which is made of scattered data as well; an actor; all keys."""
        c = self.client
        data = c.scatter([7], hash=False)[0]
        tuples = tuple(map(int, __import__("distributed").__version__.split(".")[:2])) >= (2024, 1)
        a = c.submit(add, data, 1, key="chain-a")
        b = c.submit(inc, a, key=("chain", 1) if tuples else "('chain', 1)")
        d = c.submit(add, b, data, key="chain-d")
        actor = c.submit(Tally, actor=True, key="chain-actor")
        wait([d, actor])
        token = self.hold(data, d, actor)
        return {"token": token, "data": data.key, "result": d.result()}

    def result(self, token, index):
        return self.held[token][index].result(timeout=60)

    def look(self):
        """What is in the scheduler that was not there before somebody came: modules; and how many tasks are in each state."""

        def look(dask_scheduler):
            states = {}
            for ts in dask_scheduler.tasks.values():
                of = states.setdefault(ts.prefix.name, {})
                of[ts.state] = of.get(ts.state, 0) + 1
            return {
                "modules": sorted(name for name in sys.modules if "taskglass" in name),
                "plugins": len(dask_scheduler.plugins),
                "states": states,
            }

        return self.client.run_on_scheduler(look)

    def watch_task_stream(self):
        """Installs Dask's own record of finished tasks."""
        self.client.get_task_stream(count=1)

    def task_stream(self):
        return [
            {
                "key": str(m["key"]),
                "worker": m["worker"],
                "thread": m["thread"],
                "nbytes": m.get("nbytes", 0),
                "startstops": [[s["action"], s["start"], s["stop"], s.get("source") or ""] for s in m["startstops"]],
            }
            for m in self.client.get_task_stream(start=0)
        ]

    def traces(self):
        def look(dask_scheduler):
            s = dask_scheduler
            return {
                "plugins": sorted(s.plugins),
                "feeds": sum(op == "feed" for op in s._comms.values()),
                "clients": sorted(s.clients),
                "extensions": sorted(s.extensions),
            }

        return self.client.run_on_scheduler(look)

    def restart(self):
        self.client.restart(timeout=30)

    def in_memory(self):
        """Bytes in memory per prefix, the slow and certain way."""

        def look(dask_scheduler):
            out = {}
            for ts in dask_scheduler.tasks.values():
                if ts.state == "memory":
                    name = ts.prefix.name
                    out[name] = out.get(name, 0) + ts.nbytes
            return out

        return self.client.run_on_scheduler(look)


def main():
    driver = Driver(sys.argv[1])
    print(json.dumps({"ok": None}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            reply = {"ok": getattr(driver, command["op"])(**command.get("args", {}))}
        except Exception:
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), flush=True)
    driver.client.close()


if __name__ == "__main__":
    main()

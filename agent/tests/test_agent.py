"""The agent in a real Scheduler, in this process."""

import asyncio
import logging
import struct
import sys
import time
from array import array
from contextlib import asynccontextmanager
from math import isnan

import msgpack
import pytest
from distributed import Client, Scheduler, Worker
from distributed.comm import CommClosedError, connect
from distributed.diagnostics.task_stream import TaskStreamPlugin
from distributed.protocol.pickle import dumps

from taskglass_agent import agent as A
from taskglass_agent import limits
from taskglass_agent.prefixes import STATES
from taskglass_agent.tables import text

COMPUTED = [{"action": "compute", "start": 1.0, "stop": 2.0}]


def run(test):
    """Runs a coroutine test; pytest has no asyncio plugin here."""

    def wrapper():
        asyncio.run(asyncio.wait_for(test(), 60))

    wrapper.__name__ = test.__name__
    return wrapper


@asynccontextmanager
async def cluster(workers=1):
    async with Scheduler(port=0, host="127.0.0.1", dashboard_address=":0") as s:
        started = [await Worker(s.address, nthreads=2, dashboard_address=":0") for _ in range(workers)]
        try:
            async with Client(s.address, asynchronous=True) as c:
                yield s, c
        finally:
            for w in started:
                await w.close()


class Reader:
    """The other end: keeps the tables and gives records as dicts."""

    def __init__(self, agent):
        self.agent = agent
        self.tables = {}
        self.records = []
        self.past = []
        self.counts = {}
        self.messages = []

    def tick(self):
        raw = self.agent.tick(self.agent.scheduler)
        if raw is None:
            return None
        m = msgpack.unpackb(raw, strict_map_key=False)
        self.messages.append(m)
        for name, (reset, new) in m.get("i", {}).items():
            if reset:
                self.tables[name] = []
            self.tables[name] += new
        for name, out in (("done", self.records), ("past", self.past)):
            if name in m:
                out += self.rows(m[name])
        if "p" in m:
            p = m["p"]
            n = len(STATES)
            ids, states = array("I", p["id"]), array("I", p["states"])
            forgotten, nbytes = array("d", p["forgotten"]), array("d", p["nbytes"])
            for i, index in enumerate(ids):
                row = dict(zip(STATES, states[i * n : i * n + n]))
                self.counts[self.tables["prefix"][index]] = {**row, "forgotten": forgotten[i], "nbytes": nbytes[i]}
        return m

    def rows(self, x):
        group, lane, kind = array("I", x["group"]), array("I", x["lane"]), array("I", x["type"])
        nss, status = array("H", x["nss"]), array("B", x["status"])
        action, start, stop = array("B", x["action"]), array("d", x["start"]), array("d", x["stop"])
        origin = iter(array("I", x["origin"]))
        errors = {row: (exception, traceback) for row, exception, traceback in x.get("err", ())}
        links = [{}] * len(x["key"])
        if "first" in x:
            back = iter(array("I", x["back"]))
            links = [
                {"number": x["first"] + i, "ready": ready, "needs": needs, "back": [next(back) for _ in range(known)]}
                for i, (ready, needs, known) in enumerate(
                    zip(array("d", x["ready"]), array("I", x["needs"]), array("H", x["dependencies"]))
                )
            ]
            assert next(back, None) is None
        at, out = 0, []
        for i, key in enumerate(x["key"]):
            startstops = []
            for j in range(at, at + nss[i]):
                name = self.tables["action"][action[j]]
                source = self.tables["worker"][next(origin)] if name == "transfer" else ""
                startstops.append((name, start[j], stop[j], source))
            at += nss[i]
            worker, thread = self.tables["lane"][lane[i]]
            out.append(
                {
                    "key": key,
                    "group": self.tables["group"][group[i]],
                    "worker": self.tables["worker"][worker],
                    "thread": thread,
                    "type": self.tables["type"][kind[i]],
                    "status": ("memory", "erred")[status[i]],
                    "startstops": startstops,
                    "error": errors.get(i),
                    **links[i],
                }
            )
        assert at == len(action)
        return out


def inc(x):
    return x + 1


def fail(x):
    raise ValueError("no luck")


@run
async def test_records_are_those_of_dasks_task_stream():
    async with cluster(2) as (s, c):
        stream = TaskStreamPlugin(s, maxlen=10_000)
        s.add_plugin(stream)
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)
        reader.tick()
        futures = c.map(inc, range(50), pure=False)
        total = c.submit(sum, futures)
        await total
        bad = c.submit(fail, 1)
        while bad.status == "pending":
            await asyncio.sleep(0.01)
        reader.tick()
        assert len(reader.records) == 52
        for ours, theirs in zip(reader.records, stream.buffer):
            assert ours["key"] == str(theirs["key"])
            assert (ours["worker"], ours["thread"]) == (theirs["worker"], theirs["thread"])
            assert ours["startstops"] == [
                (x["action"], x["start"], x["stop"], x.get("source", "")) for x in theirs["startstops"]
            ]
        assert reader.records[0]["group"][1] == "inc"
        assert reader.records[-1]["status"] == "erred"
        exception, traceback = reader.records[-1]["error"]
        assert "no luck" in exception and "fail" in traceback
        agent.detach(s)


@run
async def test_what_tasks_waited_for():
    async with cluster(2) as (s, c):
        before = c.submit(inc, 0, key="before")
        await before
        agent = A.Agent(s, None, 0.1, {"links": True})
        reader = Reader(agent)
        began = time.time()
        first = c.submit(inc, before, key="first")
        many = c.map(inc, range(100), key=[f"many-{i}" for i in range(100)])
        last = c.submit(lambda *args: len(args), first, *many, key="last")
        bad = c.submit(fail, last, key="bad")
        while bad.status == "pending":
            await asyncio.sleep(0.01)
        while reader.tick():
            pass
        assert [r["number"] for r in reader.records] == list(range(103))
        numbers = {r["key"]: r["number"] for r in reader.records}
        by_key = {r["key"]: r for r in reader.records}
        for r in reader.records:
            (compute,) = (s for s in r["startstops"] if s[0] == "compute")
            assert began <= r["ready"] <= compute[1] + 0.5, "clocks of one machine"
        assert (by_key["first"]["needs"], by_key["first"]["back"]) == (1, []), "what was before the agent has no number"
        assert (by_key["many-7"]["needs"], by_key["many-7"]["back"]) == (0, [])
        assert by_key["last"]["needs"] == 101
        wanted = {number for key, number in numbers.items() if key not in ("last", "bad")}
        found = {by_key["last"]["number"] - back for back in by_key["last"]["back"]}
        assert len(found) == len(by_key["last"]["back"]) == limits.MAX_LINKS and found <= wanted
        assert (
            by_key["last"]["ready"]
            >= max(s[2] for key in ("first", "many-99") for s in by_key[key]["startstops"]) - 0.5
        )
        assert by_key["bad"]["back"] == [by_key["bad"]["number"] - by_key["last"]["number"]]
        assert agent.links.known.keys() == s.tasks.keys() - {"before"}
        del before, first, many, last, bad
        for _ in range(500):
            await asyncio.sleep(0.01)
            reader.tick()
            if not s.tasks:
                break
        reader.tick()
        assert agent.links.known == {} and agent.links.gone == []
        agent.detach(s)


@run
async def test_links_are_left_out_where_there_is_no_record():
    async with cluster(0) as (s, _):
        agent = A.Agent(s, None, 0.1, {"links": True})
        reader = Reader(agent)
        one = s.new_task("one", "spec", "processing")
        two = s.new_task("two", "spec", "processing")
        two.add_dependency(one)
        kw = {"worker": "w", "thread": 1, "nbytes": 5, "typename": "int", "startstops": COMPUTED}
        for ts in (one, two):
            ts.nbytes = 5

        def finish(key, **more):
            agent.transition(key, "processing", "memory", stimulus_id="x", **{**kw, **more})

        def last():
            reader.tick()
            r = reader.records[-1]
            return r["number"], r["ready"] > 0, r["back"]

        agent.transition("one", "waiting", "no-worker", stimulus_id="x")
        agent.transition("one", "no-worker", "processing", stimulus_id="x")
        finish("one")
        assert last() == (0, True, [])
        finish("two")
        assert last() == (1, False, [1])
        finish("two", typename=["unhashable"])
        assert last() == (2, False, [2]), "an odd payload too"
        for key in ("two", "one", "two"):
            finish(key)
        assert last() == (5, False, [1]) and reader.records[-3]["back"] == [], "not a run that came later"
        agent.transition("one", "released", "waiting", stimulus_id="x")
        agent.transition("one", "waiting", "queued", stimulus_id="x")
        finish("two")
        assert last() == (6, False, []), "it is run again, and which run was used nobody knows"
        finish("one")
        agent.workers.heartbeats = lambda *args: 1 / 0
        assert "error" in reader.tick()
        del agent.workers.heartbeats
        finish("two")
        assert last() == (8, False, [1]), "numbers go on, so that the peer sees what is missing"
        agent.transition("two", "erred", "forgotten", stimulus_id="x")
        del s.tasks["two"]
        agent.tick(s)
        assert agent.links.known == {"one": -7}
        agent.backlog = lambda: limits.MAX_BACKLOG + 1
        for _ in range(limits.MAX_PENDING + 1):
            finish("one")
        agent.tick(s)
        assert "one" not in agent.links.known, "its record was dropped"
        agent.restart(s)
        assert agent.links.known == {}
        agent.detach(s)


@run
async def test_an_idle_tick_is_nil():
    async with cluster(0) as (s, _):
        agent = A.Agent(s, None, 0.1)
        ticks = [agent.tick(s) for _ in range(50)]
        assert ticks[0] is not None
        assert ticks[5:] == [None] * 45
        agent.detach(s)


@run
async def test_counts_bytes_and_forgotten():
    async with cluster() as (s, c):
        before = c.map(inc, range(20), pure=False)
        await asyncio.gather(*before)
        scattered = await c.scatter([b"x" * 1000], hash=False)
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)

        async def settle():
            for _ in range(15):
                reader.tick()
                agent.memory.scatter_time = 0
                await asyncio.sleep(0.01)

        def truth():
            out = {}
            for ts in s.tasks.values():
                if ts.state == "memory":
                    out[ts.prefix.name] = out.get(ts.prefix.name, 0) + ts.nbytes
            return out

        def ours():
            return {name: row["nbytes"] for name, row in reader.counts.items() if row["nbytes"]}

        await settle()
        assert reader.counts["inc"]["memory"] == 20
        assert ours() == truth()
        more = c.map(inc, range(100, 130), pure=False)
        await asyncio.gather(*more)
        await settle()
        assert reader.counts["inc"]["memory"] == 50
        assert ours() == truth()
        del before, scattered
        for _ in range(100):
            await settle()
            if reader.counts["inc"]["forgotten"] == 20:
                break
        assert reader.counts["inc"]["forgotten"] == 20
        assert ours() == truth()
        await c.restart(wait_for_workers=False)
        await settle()
        assert ours() == {}
        assert reader.counts["inc"]["forgotten"] == 50
        assert sum(reader.counts["inc"][state] for state in STATES) == 0
        agent.detach(s)


@run
async def test_bursts_of_what_leaves_memory_are_counted_exactly_with_little_memory():
    async with cluster(0) as (s, _):
        n, many = 1_001, limits.MAX_KNOWN_GROUPS * 3 + 5
        kw = {"worker": "w", "thread": 1, "typename": "int", "startstops": COMPUTED}

        def task(key, nbytes):
            ts = s.new_task(key, "spec", "memory")
            ts.nbytes = nbytes
            return ts

        before = [task(("old-0", i), 7) for i in range(limits.SCAN_CHUNK + n)]
        agent = A.Agent(s, None, 0.1, {"links": True})
        reader = Reader(agent)
        s.transition_counter += 1

        def settled():
            while m := reader.tick():
                assert "error" not in m
                s.transition_counter += bool(agent.memory.to_scan)
            return {name: tuple(balance) for name, balance in agent.memory.balances.items()}

        for ts in before[: n // 2]:  # before anybody looked at them
            agent.transition(ts.key, "memory", "released")
        for ts in before[-n:]:
            agent.transition(ts.key, "memory", "forgotten")
        again = before[0]
        again.nbytes = 1_000
        agent.transition(again.key, "processing", "memory", nbytes=1_000, **kw)
        kept = limits.SCAN_CHUNK - n // 2
        assert settled() == {"old": (kept + 1, kept * 7 + 1_000, n)}

        for i in range(many):
            ts = task(f"new-{i:032x}", i)  # a group of its own
            agent.transition(ts.key, "processing", "memory", nbytes=i, **kw)
            agent.transition(ts.key, "memory", ("released", "forgotten")[i % 2])
            if i % 2 == 0:
                ts.nbytes = 10**9  # it may run again before anybody looks
                agent.transition(ts.key, "released", "forgotten")
                ts.nbytes = -1
                agent.transition(ts.key, "released", "forgotten")  # never completed
        assert len(agent.memory.balance_of) <= limits.MAX_KNOWN_GROUPS
        assert settled()["new"] == (0, 0, many)
        agent.transition(again.key, "memory", "released")
        agent.restart(s)
        assert not agent.memory.balance_of, "a group is not kept for long"
        assert settled() == {"old": (0, 0, n), "new": (0, 0, many)}
        agent.detach(s)


@run
async def test_past_tasks_come_from_the_schedulers_own_buffer():
    async with cluster() as (s, c):
        stream = TaskStreamPlugin(s, maxlen=10_000)
        s.add_plugin(stream)
        futures = c.map(inc, range(1_500), pure=False)
        await asyncio.gather(*futures)
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)
        reader.tick()
        assert len(reader.past) == limits.MAX_PAST
        assert reader.messages[-1]["past"]["past"] is True
        reader.tick()
        assert [r["key"] for r in reader.past] == [str(m["key"]) for m in stream.buffer]
        assert reader.records == []
        last = next(m for m in reversed(reader.messages) if "tc" in m)
        agent.detach(s)

        more = c.map(inc, range(70), pure=False)
        await asyncio.gather(*more)
        resume = {"id": s.id, "tc": last["tc"], "index": last["index"], "since": 0}
        agent = A.Agent(s, None, 0.1, {"resume": resume})
        reader = Reader(agent)
        hello = reader.tick()["hello"]
        assert hello["gap"]["recovered"] == 70
        assert len(reader.past) == 70
        assert reader.messages[-1]["past"]["past"] is False
        agent.detach(s)

        agent = A.Agent(s, None, 0.1, {"resume": {**resume, "index": None}})
        assert Reader(agent).tick()["hello"]["gap"]["logged"] == 70
        agent.detach(s)


@run
async def test_without_a_reader_memory_is_bounded_and_the_rest_is_counted():
    async with cluster(0) as (s, _):
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)
        reader.tick()
        agent.backlog = lambda: limits.MAX_BACKLOG + 1
        key = "inc-1"
        s.new_task(key, "spec", "processing").nbytes = 5
        kw = {"worker": "w", "thread": 1, "nbytes": 5, "typename": "int", "startstops": COMPUTED}
        for _ in range(limits.MAX_PENDING + 123):
            agent.transition(key, "processing", "memory", stimulus_id="x", **kw)
        assert agent.tick(s) is None
        del agent.backlog
        for _ in range(limits.MAX_PENDING // limits.MAX_RECORDS + 2):
            reader.tick()
        assert len(reader.records) == limits.MAX_PENDING
        assert sum(m.get("dropped", 0) for m in reader.messages) == 123
        agent.detach(s)


@run
async def test_odd_payloads_neither_raise_nor_lose_the_record():
    async with cluster(0) as (s, _):
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)
        reader.tick()
        keys = ["plain-1", ("tuple-1", 0, 1.5, ("n", -2)), b"bytes'\x00", 7, 'it\'s "both"', "\ud800 alone", "k" * 5000]
        good = COMPUTED
        payloads = [
            {"startstops": good, "thread": 1, "worker": "w", "nbytes": 1, "typename": "int"},
            {"startstops": [{"action": "compute"}, *good], "thread": None, "worker": None},
            {"startstops": [{"action": "compute", "start": "x", "stop": None}], "nbytes": "many"},
            {"startstops": None},
            {
                "startstops": [
                    *good,
                    {"action": "transfer", "start": 1, "stop": 2},
                    {"action": ["?"], "start": 1, "stop": 2},
                ]
            },
            {"startstops": good * 70_000},
            {"typename": ["unhashable"], "startstops": good},
        ]
        for key in keys:
            s.new_task(key, "spec", "processing").nbytes = 5
            for payload in payloads:
                agent.transition(key, "processing", "memory", stimulus_id="x", **payload)
            agent.transition(key, "processing", "erred", worker="gone", cause=key, exception=b"")
        agent.transition("unknown", "processing", "memory", startstops=good)
        agent.transition("unknown", "memory", "forgotten")
        agent.transition("plain-1", "waiting", "erred", exception_text="a dependency failed")
        for _ in range(3):
            reader.tick()
        assert len(reader.records) == len(keys) * (len(payloads) + 1) + 1
        assert not any("error" in m or "dropped" in m for m in reader.messages)
        shown = [r["key"] for r in reader.records[:: len(payloads) + 1]]
        assert shown[:5] == [str(key) for key in keys[:5]]
        assert shown[5] == "? alone" and len(shown[6]) == limits.MAX_KEY
        killed = [r for r in reader.records if r["status"] == "erred"]
        assert len(killed) == len(keys)
        assert all(r["startstops"] == [] and "KilledWorker" in r["error"][0] for r in killed)
        agent.detach(s)


@run
async def test_a_failing_tick_is_reported_and_counted():
    async with cluster(0) as (s, _):
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)
        reader.tick()
        s.new_task("inc-1", "spec", "processing").nbytes = 5
        agent.transition("inc-1", "processing", "memory", startstops=COMPUTED)
        agent.workers.heartbeats = lambda *args: 1 / 0
        assert "division" in reader.tick()["error"]
        del agent.workers.heartbeats
        m = reader.tick()
        assert m["dropped"] == 1 and "hello" in m
        agent.detach(s)


@run
async def test_tables_begin_anew_when_they_are_full():
    async with cluster(0) as (s, _):
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)
        good = COMPUTED
        s.new_task("inc-1", "spec", "processing").nbytes = 5
        n = limits.MAX_INTERNED + 10
        s.total_nthreads = n
        for i in range(n):
            agent.transition("inc-1", "processing", "memory", worker="w", thread=i, startstops=good)
        for _ in range(n // limits.MAX_RECORDS + 2):
            reader.tick()
        assert [r["thread"] for r in reader.records] == list(range(n))
        assert len(agent.tables.lane) == n, "not while the cluster may have as many"
        s.total_nthreads = 4
        reader.tick()
        agent.transition("inc-1", "processing", "memory", worker="w", thread=5, startstops=good)
        reader.tick()
        assert reader.records[-1]["thread"] == 5
        assert len(reader.tables["lane"]) == len(agent.tables.lane) == 1
        agent.detach(s)


@run
async def test_an_agent_that_cannot_go_on_leaves_unnoticed():
    """Through Dask's own feed: wherever it fails, we are told why, and the scheduler logs nothing and goes on."""

    def no(*args, **kw):
        raise RuntimeError("sabotage")

    def in_setup(agent):
        no()

    def in_tick(agent):
        agent._tick = no

    def in_what_follows_a_failure(agent):
        agent._tick = agent._lose_everything = no

    def in_intake(agent):
        agent.intake._absorb = agent.memory.came = no

    def in_the_hook(agent):
        class Raw(list):
            extend = no

        agent.intake.raw = Raw()
        agent.transition = agent.hook._build(agent.scheduler.tasks, agent.memory)
        agent.intake.add = no

    def in_an_error_that_has_no_text(agent):
        class Silent(Exception):
            __repr__ = __str__ = no

        def fail(*args):
            raise Silent

        agent._tick = fail

    def in_teardown(agent):
        agent._tick = no
        agent.scheduler.remove_plugin = no  # its own stays as it is

    complaints = []

    class Listener(logging.Handler):
        def emit(self, record):
            if record.name != "distributed.utils_perf":  # says what Python's collector found, whenever that runs
                complaints.append(record.getMessage())

    listener = Listener(logging.INFO)
    places = [
        in_setup,
        in_tick,
        in_what_follows_a_failure,
        in_intake,
        in_the_hook,
        in_an_error_that_has_no_text,
        in_teardown,
    ]
    async with cluster() as (s, c):
        plugins = set(s.plugins)
        logger = logging.getLogger("distributed")
        logger.addHandler(listener)
        try:
            for place in places:
                comm = await connect(s.address)
                await comm.write(
                    {
                        "op": "feed",
                        "setup": dumps(lambda scheduler, place=place: broken(scheduler, place)),
                        "function": dumps(lambda scheduler, agent: agent.tick(scheduler)),
                        "teardown": dumps(lambda scheduler, agent: agent.detach(scheduler)),
                        "interval": 0.01,
                    }
                )
                answers, submitted = [], []
                with pytest.raises(CommClosedError):
                    while True:
                        answers.append(await comm.read())
                        submitted.append(c.submit(inc, len(submitted), pure=False))
                assert answers[-1]["status"] == "uncaught-error", place
                known = "Silent" if place is in_an_error_that_has_no_text else "sabotage"
                assert known in answers[-1]["exception_text"], place
                assert set(s.plugins) == plugins, place
                assert await c.gather(submitted) == list(range(1, len(submitted) + 1)), place
                await comm.close()
        finally:
            logger.removeHandler(listener)
        assert complaints == []


def broken(scheduler, place):
    """What our feed begins with, but for a failure that is set up."""
    comm = sys._getframe(2).f_locals["comm"]

    class Broken(A.Agent):
        def __init__(self, scheduler, *args):
            if place.__name__ == "in_setup":
                place(self)
            super().__init__(scheduler, *args)
            place(self)

    original, A.Agent = A.Agent, Broken
    try:
        agent = A.setup(scheduler)
    finally:
        A.Agent = original
    agent.comm = comm
    return agent


@run
async def test_another_dask_may_pass_more():
    async with cluster(0) as (s, _):
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)
        reader.tick()
        for start, finish in (("waiting", "processing"), ("processing", "memory"), ("memory", "released")):
            for hook in (agent.hook.transition, agent.hook.timed):
                hook("inc-1", start, finish, *range(20), new=1)
        for event in (agent.add_worker, agent.remove_worker, agent.add_client, agent.remove_client):
            event(s, "it", 1, new=1)
        agent.restart(s, 1, new=1)
        assert "error" not in reader.tick()
        agent.detach(s)


@run
async def test_running_tasks():
    async with cluster() as (s, c):
        agent = A.Agent(s, None, 0.1)
        reader = Reader(agent)
        began = time.time()
        future = c.submit(time.sleep, 2, pure=False)
        while not any("run" in m for m in reader.messages):
            reader.tick()
            await asyncio.sleep(0.05)
            assert time.time() < began + 1.5, "announced while it runs"
        run = next(m for m in reader.messages if "run" in m)["run"]
        assert run["key"] == [future.key]
        (start,) = struct.unpack("<d", run["start"])
        assert abs(start - began) < 0.5
        await future
        reader.tick()
        assert [r["key"] for r in reader.records] == [future.key]
        assert not any(future.key in m["run"]["ended"] for m in reader.messages if "run" in m)
        assert agent.running.announced == {} and not any(agent.running.candidates.values())
        agent.detach(s)


@run
async def test_an_agent_comes_and_goes():
    async with cluster() as (s, _):
        plugins = set(s.plugins)
        agent = A.setup(s)
        assert len(set(s.plugins) - plugins) == 1
        assert agent.tick(s) is not None
        agent.detach(s)
        agent.detach(s)
        assert set(s.plugins) == plugins


@run
async def test_its_cost_per_task_leaves_out_what_a_tick_costs_anyway():
    async with cluster(0) as (s, _):
        agent = A.Agent(s, None, 0.1)
        s.new_task("inc-1", "spec", "processing").nbytes = 5
        cost, hook = agent.cost, agent.cost.hook
        cost.take(0)
        agent.transition("inc-1", "processing", "memory", worker="w", startstops=COMPUTED)
        agent.tick(s)
        assert agent.transition is hook.timed
        agent.transition("inc-1", "processing", "memory", worker="w", startstops=COMPUTED)
        assert agent.transition is hook.transition and hook.sample[1] == 1, "one a tick is timed"
        agent.tick(s)
        for _ in range(limits.TIMED_CALLS):
            agent.transition("inc-1", "released", "waiting")
        assert agent.transition is hook.transition, "a burst of others does not pay for it"
        cost.take(0)

        def reading(finished, seconds):
            hook.sample[:] = 2e-6, 1
            cost.add_encoded(finished, seconds)
            return cost.take(s.transition_counter)[1] - hook.call_cost * 1e6

        assert reading(limits.FULL_TICK - 1, 1) == pytest.approx(2)
        assert reading(limits.FULL_TICK, limits.FULL_TICK * 1e-6) == pytest.approx(3)
        assert isnan(cost.take(s.transition_counter)[1])
        agent.detach(s)


@pytest.mark.parametrize("value", ["a", "é", "\ud800", "x" * 5000, 5, None, ("a", 1)])
def test_text_is_bounded_and_encodable(value):
    out = text(value)
    assert len(out) <= 1000
    out.encode()

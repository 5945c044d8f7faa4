"""What the debug pages of a real scheduler and real workers show, compared with what these say themselves."""

import json
import logging
import sys
import threading
import time

import dask
import distributed
from debug_view import (
    SCHEDULER,
    WORKER,
    check_index,
    check_view,
    cluster,
    eventually,
    fact,
    fetch,
    run,
    service,
    table,
    total,
    view_of,
)
from distributed import profile
from distributed.client import wait
from tornado.ioloop import IOLoop

from taskglass.debug import event_loop
from taskglass.debug.read import smallest
from taskglass.debug.view import View, clean, text


def block(gate, size=0):
    """Runs until the gate opens."""
    _GATES[gate].wait(60)
    return bytes(size)


def sleep(seconds, size=0):
    time.sleep(seconds)
    return bytes(size)


def join(*parts):
    return sum(len(part) for part in parts)


def fail(_):
    raise ValueError("\ud800 broken \0 \U0001f4a5")


_GATES = {}


def _titles(view):
    """Of the tables whose titles do not say what they found."""
    return [t["title"] for t in view["tables"] if "," not in t["title"] and "newest" not in t["title"]]


@run
async def test_every_topic_is_whole_while_tasks_run():
    gate = _GATES["all"] = threading.Event()
    async with cluster(workers=2) as (s, workers, c):
        done = c.map(sleep, [0.01] * 40, size=300_000, pure=False)
        failed = c.map(fail, range(2), pure=False)
        await wait(done + failed)
        joined = c.submit(join, *done)
        total_length = await joined
        assert total_length == 40 * 300_000
        running = c.map(block, ["all"] * 30, pure=False)
        nowhere = c.map(sleep, [0] * 3, resources={"GPU": 1}, pure=False)
        try:
            await eventually(lambda: sum(len(w.active_threads) for w in workers) == 4)
            await eventually(lambda: len(s.unrunnable) == 3)
            for server, role, topics in [
                (s, "scheduler", SCHEDULER),
                (workers[0], "worker", WORKER),
                (workers[1], "worker", WORKER),
            ]:
                index = check_index((await fetch(server, "/api/v1/debug")).body, role)
                assert [entry["topic"] for entry in index["topics"]] == topics
                assert index["name"] == ("worker " + str(workers.index(server)) if role == "worker" else s.address)
                assert index["address"] == server.address
                assert index["version"] == distributed.__version__
                for topic in topics:
                    view = await view_of(server, topic)
                    odd = [note for note in view["notes"] if "could not" in note or "this version" in note]
                    assert not odd, (topic, odd)
                    assert view["facts"]
                    # The same over Dask's own protocol: a worker's through the scheduler.
                    msg = {"op": "taskglass_debug", "topic": topic}
                    if role == "worker":
                        answer = await c.scheduler.proxy(worker=server.address, msg=msg)
                    else:
                        answer = await c.scheduler.taskglass_debug(topic=topic)
                    assert answer["status"] == "OK"
                    again = check_view(answer["json"].encode(), topic)
                    assert _titles(again) == _titles(view)
            index = check_index((await c.scheduler.taskglass_debug())["json"], "scheduler")
            assert [entry["topic"] for entry in index["topics"]] == SCHEDULER
            assert await c.scheduler.taskglass_debug(topic="nothing") == {"status": "missing"}
            assert await c.scheduler.taskglass_debug(topic=["states"]) == {"status": "missing"}

            # Read in one step of the event loop: nothing moves between the page and what it is compared with.
            def now(server, topic):
                return check_view(service(server).inspector.answer(topic).encode(), topic)

            states = now(s, "states")
            counts = dict.fromkeys(("released", "waiting", "no-worker", "processing", "queued", "memory", "erred"), 0)
            for task in s.tasks.values():
                counts[task.state] += 1
            assert {name: fact(states, name.capitalize()) for name in counts} == counts
            assert counts["no-worker"] == 3
            assert counts["erred"] == 2
            functions = {row["function"]: row for row in table(states, "Functions")}
            assert functions["sleep"]["memory"] == 40
            assert functions["sleep"]["produced"] == sum(s.tasks[future.key].nbytes for future in done)
            assert len(table(states, "Newest errors")) == 2

            queues = now(s, "queues")
            assert fact(queues, "Queued") == len(s.queued)
            assert total(queues, "Queued") == len(s.queued)
            assert [row["task"] for row in table(queues, "Queued")] == [ts.key for ts in s.queued.sorted()]
            assert {row["resources"] for row in table(queues, "Without")} == {"GPU=1"}

            occupancy = now(s, "occupancy")
            assert fact(occupancy, "Threads") == s.total_nthreads == 4
            assert fact(occupancy, "Workers") == 2
            rows = {row["address"]: row for row in table(occupancy, "Workers")}
            for ws in s.workers.values():
                row = rows[ws.address]
                assert row["processing"] == len(ws.processing)
                assert row["in memory"] == len(ws.has_what)
                assert row["stored"] == ws.nbytes
                assert row["threads"] == ws.nthreads
                assert row["occupancy"] == ws.occupancy

            transitions = now(s, "transitions")
            assert fact(transitions, "Transitions") == s.transition_counter
            assert table(transitions, "Newest")[0]["task"] == s.transition_log[-1].key
            kinds = {(row["from"], row["to"]): row["transitions"] for row in table(transitions, "Kinds")}
            assert kinds["processing", "memory"] == 41
            assert sum(transitions["series"][0]["lines"][0]["values"]) <= len(s.transition_log)

            clients = now(s, "clients")
            assert {row["client"]: row["futures"] for row in table(clients, "Clients")} == {
                cs.client_key: len(cs.wants_what) for cs in s.clients.values()
            }
            plugins = {row["name"]: row for row in table(now(s, "plugins"), "Plugins of the scheduler")}
            assert set(plugins) == set(map(str, s.plugins))
            assert any("transition" in row["called at"] for row in plugins.values())
            bandwidth = now(s, "bandwidth")
            assert fact(bandwidth, "Bandwidth, a moving mean") == s.bandwidth
            assert len(table(now(s, "stealing"), "By level")) == 15
            assert {row["name"] for row in table(now(s, "extensions"), "Extensions")} == set(s.extensions)
            logs = now(s, "logs")
            assert any(s.address.rsplit(":", 1)[1] in row["message"] for row in table(logs, "Newest"))
            assert fact(now(s, "process"), "Memory") > 1e6
            streams = {row["address"]: row for row in table(now(s, "comms"), "Streams")}
            assert set(streams) >= set(s.stream_comms)
            loop = now(s, "event-loop")
            assert fact(loop, "Ticks") == s._tick_counter
            assert any(row["name"] == "tick" for row in table(loop, "Periodic callbacks"))

            for w in workers:
                tasks = now(w, "tasks")
                assert fact(tasks, "Executing") == 2
                assert {row["function"] for row in table(tasks, "Executing")} == {"block"}
                assert all(row["for"] > 0 and row["thread"] for row in table(tasks, "Executing"))
                assert fact(tasks, "Ready") == len(w.state.ready) == total(tasks, "Ready")
                assert [row["task"] for row in table(tasks, "Ready")] == [ts.key for ts in w.state.ready.sorted()]
                stored = now(w, "stored")
                assert fact(stored, "Stored") == len(w.data)
                assert fact(stored, "Size stored") == w.state.nbytes
                assert {row["task"]: row["size"] for row in table(stored, "Largest")} == {
                    key: w.state.tasks[key].nbytes for key in w.data
                }
                stacks = now(w, "call-stacks")
                running_tables = [t for t in stacks["tables"] if t["title"].startswith("block-")]
                assert len(running_tables) == 2
                for running_table in running_tables:
                    frames = [row[0] for row in running_table["rows"]]
                    assert "block" in frames
                    assert frames.index("Event.wait" if "Event.wait" in frames else "wait") < frames.index("block")
                history = now(w, "history")
                assert fact(history, "Executing") == 2
                assert fact(history, "Executed within the log") == fact(history, "Executed so far")
                lines = history["series"][0]["lines"][0]["values"]
                assert lines[-1] == 2
                assert max(lines) == 2
                assert min(lines) >= 0
                assert all(row["for"] >= 0 for row in table(history, "Executed"))
                log = now(w, "state-log")
                assert fact(log, "In the log") == len(w.state.log)
                assert "ready → executing" in {row["what"] for row in table(log, "Kinds")}
                assert fact(now(w, "monitor"), "Memory limit") == w.memory_manager.memory_limit

            # 300,000 bytes at a time and more went from one to the other, for the sum.
            transfers = {w.name: now(w, "transfers") for w in workers}
            assert sum(fact(v, "Came in so far") for v in transfers.values()) >= 1
            moved = [row for v in transfers.values() for row in table(v, "Newest") if row["way"] == "in"]
            assert sum(row["size"] for row in moved) >= 300_000
            assert {row["peer"] for row in moved} <= {w.address for w in workers}
            # In the clock of this process.
            assert all(abs(row["began"] - time.time()) < 300 for row in moved)
        finally:
            gate.set()
        await c.cancel(nowhere + running)


@run
async def test_hostile_names_do_no_harm():
    gate = _GATES["hostile"] = threading.Event()
    keys = ["<script>alert(1)</script>", "\ud800 lone", ("tuple", 1), "long" * 2_000, "\0\x1b[31m", '"},{"']
    if distributed.__version__ < "2023":
        keys[2] = "('tuple', 1)"  # before, keys were strings
        keys[1] = "no surrogate"
    else:
        keys[1] = "smile \U0001f600"  # msgpack does not carry a lone one
    async with cluster() as (s, [w], c):
        running = [c.submit(block, "hostile", key=key) for key in keys]
        done = [c.submit(sleep, 0, key=f"{text(key, 50)} done") for key in keys]
        logging.getLogger("distributed.scheduler").warning("lone \udcff and %s", "\ud801")
        logging.getLogger("distributed.scheduler").warning("arguments %d", "that do not fit")
        logging.getLogger("distributed.worker").error("<b>%s</b>", "x" * 10_000, exc_info=True)
        try:
            await eventually(lambda: len(w.active_threads) == 2)
            for topic in SCHEDULER:
                await view_of(s, topic)
            for topic in WORKER:
                await view_of(w, topic)
            tasks = await view_of(w, "tasks")
            shown = {row["task"] for row in table(tasks, "Executing") + table(tasks, "Ready")}
            assert "<script>alert(1)</script>" in shown
            assert "('tuple', 1)" in shown
            messages = [row["message"] for row in table(await view_of(s, "logs"), "Newest")]
            assert "lone \ufffd and \ufffd" in messages
            assert "arguments %d" in messages
        finally:
            gate.set()
        await wait(running + done)


def test_whatever_is_shown_is_clean():
    class Odd:
        def __str__(self):
            raise RuntimeError

    class Text(str):
        def __str__(self):
            return 5

    assert text(Odd()) == "<Odd that cannot be printed>"
    assert text(Text("a")) == "a"
    assert text(b"\xff" * 1_000, 10).startswith("b'")
    assert len(text(b"\xff" * 1_000, 10)) == 10
    assert text(("a", 1)) == "('a', 1)"
    assert text("\ud800") == "\ufffd"
    assert clean("count", float("nan")) is None
    assert clean("seconds", float("-inf")) is None
    assert clean("count", 2**60) == float(2**60)
    assert clean("count", 10**400) is None
    assert clean("count", "12 apples") is None
    assert clean("text", 12) == "12"
    view = View()
    view.table("T", [("a", "text"), ("b", "count")], [1, 2, 3], lambda i: [1 / (i - 2), "x"])
    assert view.tables[0]["rows"] == [["-1.0", None], ["1.0", None]]
    assert view.tables[0]["total"] == 3
    assert view.notes == ["T: 1 rows could not be read."]
    view.line("L", "count", [1, 2, float("nan"), 1.5, 3], {"a": [1, float("inf"), 3, 4, 5]})
    assert view.series[0]["times"] == [1, 2, 3]
    assert view.series[0]["lines"][0]["values"] == [1, None, 5]


@run
async def test_tables_are_bounded_and_say_how_many_there_are():
    async with cluster() as (s, [w], c):
        futures = c.map(sleep, [0] * 1_500, resources={"GPU": 1}, pure=False)
        await eventually(lambda: len(s.unrunnable) == 1_500)
        queues = await view_of(s, "queues")
        assert len(table(queues, "Without")) == 200
        assert total(queues, "Without") == 1_500
        w.state.total_resources["GPU"] = 1
        scattered = await c.scatter({f"number-{i}": i for i in range(1_000)})
        stored = await view_of(w, "stored")
        assert len(table(stored, "Largest")) == 200
        assert total(stored, "Largest") == 1_000
        await c.cancel(futures)
        del scattered


@run
async def test_the_first_of_a_queue_are_found_without_sorting_it():
    from distributed.collections import HeapSet

    class Item:
        def __init__(self, priority):
            self.priority = priority

    items = [Item((i * 7_919 % 5_003, i)) for i in range(5_000)]
    heap = HeapSet(key=lambda item: item.priority)
    for item in items:
        heap.add(item)
    for item in items[:50]:
        heap.discard(item)
    before = list(heap._heap)
    expected = sorted(items[50:], key=lambda item: item.priority)[:200]
    assert smallest(heap, 200) == expected
    assert heap._heap == before
    assert smallest(HeapSet(key=lambda item: 0), 200) == []


@run
async def test_what_a_version_does_not_have_is_said_and_not_raised():
    async with cluster() as (s, [w], c):
        await c.submit(sleep, 0)
        s.extensions.pop("stealing", None)
        del s.bandwidth_types
        held, s.plugins = s.plugins, None
        log = w.transfer_incoming_log
        del w.transfer_incoming_log
        assert (await view_of(s, "stealing"))["notes"] == ["Work stealing is not loaded in this scheduler."]
        assert "The rest could not be read" in (await view_of(s, "bandwidth"))["notes"][-1]
        assert "The rest could not be read" in (await view_of(s, "plugins"))["notes"][-1]
        assert "The rest could not be read" in (await view_of(w, "transfers"))["notes"][-1]
        # Said in the log once, not at every look.
        with_log = [record for record in w._deque_handler.deque if "transfers" in record.getMessage()]
        await view_of(w, "transfers")
        again = [record for record in w._deque_handler.deque if "transfers" in record.getMessage()]
        assert len(with_log) == len(again) == 1
        w.transfer_incoming_log = log
        s.__dict__["bandwidth_types"] = {}
        s.plugins = held


@run
async def test_what_is_on_disk():
    thresholds = {"target": 0.005, "spill": False, "pause": False}
    with dask.config.set({f"distributed.worker.memory.{name}": share for name, share in thresholds.items()}):
        await what_is_on_disk()


async def what_is_on_disk():
    async with cluster(memory_limit=10_000_000_000) as (_s, [w], c):
        # 50 MB are held; more goes to disk.
        futures = c.map(sleep, [0] * 10, size=10_000_000, pure=False)
        await wait(futures)
        await eventually(lambda: len(w.data.slow) > 0)
        view = await view_of(w, "spill")
        assert fact(view, "Results on disk") == len(w.data.slow) == total(view, "Largest results on disk")
        assert fact(view, "Results in memory") == len(w.data.fast)
        assert fact(view, "On disk, as they were in memory") == w.data.spilled_total.memory
        assert [row["share of the limit"] for row in table(view, "Thresholds")] == [0.005, None, None]
        written = [row for row in table(view, "Accesses") if "write" in row["what"]]
        assert sum(row["times"] for row in written) >= len(w.data.slow)
        on_disk = set(w.data.slow)
        stored = await view_of(w, "stored")
        assert {row["task"] for row in table(stored, "Largest") if row["where"] == "disk"} == on_disk
        assert set(w.data.slow) == on_disk


@run
async def test_profiles():
    # Before there is a server: Dask does not sample the event loop on Python 3.11 itself.
    sampled = profile.watch(interval="5ms", cycle="50ms", omit=("profile.py", "selectors.py"))
    IOLoop.current().profile = sampled
    async with cluster() as (s, [w], c):
        await wait(c.map(sleep, [0.1] * 10, pure=False))

        def seen():
            # A loop that only waits is left out of its profile.
            until = time.monotonic() + 0.02
            while time.monotonic() < until:
                pass
            return sum(tree["count"] for _, tree in list(sampled)) > 2

        await eventually(seen)
        view = await view_of(w, "profile")
        trees = {tree["title"]: tree["root"] for tree in view["trees"]}
        assert trees["Event loop"]["value"] == fact(view, "Samples of the event loop") > 0
        samples = fact(view, "Samples of tasks")
        assert samples > 10
        assert abs(trees["Tasks"]["value"] - samples * 0.01) < 1e-3
        top = trees["Tasks"]
        while top["name"] != "sleep":
            [top] = top["children"]
        assert top["detail"].startswith(f"{__file__}:")
        assert abs(top["value"] - trees["Tasks"]["value"]) < 1e-3
        assert table(view, "Sampled functions")[0]["function"] == "sleep"
        view = await view_of(s, "profile")
        assert view["trees"][0]["root"]["value"] > 0


@run
async def test_a_profile_that_is_not_taken_is_said():
    async with cluster() as (s, [_w], _c):
        view = await view_of(s, "profile")
        if sys.version_info[:2] == (3, 11) and distributed.__version__ > "2024.12":
            assert view["trees"] == []
            assert "3.11" in view["notes"][0]
        s.io_loop.profile = type(s.io_loop.profile)()
        assert (await view_of(s, "profile"))["notes"]


def test_a_deep_and_broad_profile_is_cut():
    from taskglass.debug.profiles import MAX_MERGED, MAX_NODES, _merge

    def node(depth, name):
        children = {} if depth == 0 else {str(i): node(depth - 1, f"f{i}") for i in range(2 if depth < 12 else 1)}
        return {
            "count": 1 + sum(child["count"] for child in children.values()),
            "children": children,
            "description": {"name": name, "filename": "a.py", "line_number": 1, "line": "x"},
            "identifier": name,
        }

    tree = node(300, "root")
    merged = _merge(tree for _ in range(1_000))
    assert merged.nodes <= MAX_MERGED + 200
    root, left_out = merged.tree(0.01)
    json.dumps(root)
    root, left_out = _merge([node(14, "root")]).tree(None)
    assert left_out > 0
    from debug_view import check_node

    assert check_node(root) == MAX_NODES


@run
async def test_lag_is_measured_only_while_somebody_looks():
    after, event_loop.AFTER = event_loop.AFTER, 0.3
    try:
        async with cluster() as (s, _workers, _c):
            watch = service(s).inspector.watch
            assert not watch.running
            view = await view_of(s, "event-loop")
            assert watch.running
            assert view["series"][0]["times"] == []
            assert any("begins now" in note for note in view["notes"])
            await eventually(lambda: len(watch.samples) > 2)
            time.sleep(0.2)  # the event loop is held
            await eventually(lambda: any(late > 0.1 for _, late in watch.samples), 5)
            view = await view_of(s, "event-loop")
            assert fact(view, "Longest lag seen") > 0.1
            assert len(view["series"][0]["times"]) > 2
            await eventually(lambda: not watch.running)
    finally:
        event_loop.AFTER = after

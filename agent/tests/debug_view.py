"""What src/model/debug.ts says of a DebugView and a DebugIndex, checked in Python; and a cluster with debug servers."""

import asyncio
import json
import math
from contextlib import asynccontextmanager

from distributed import Client, Scheduler, Worker
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from taskglass.debug import start_scheduler, start_worker
from taskglass.debug.profiles import MAX_NODES
from taskglass.options import Options

TEXTS = {"text", "key"}
NUMBERS = {"count", "bytes", "bytes/s", "seconds", "time", "share", "percent", "rate"}
# fmt: off
SCHEDULER = [
    "event-loop", "transitions", "states", "queues", "occupancy", "stealing", "bandwidth", "plugins", "clients",
    "comms", "extensions", "logs", "profile", "process",
]
WORKER = [
    "tasks", "stored", "transfers", "history", "profile", "call-stacks", "logs", "monitor", "state-log", "spill",
    "event-loop", "comms",
]
# fmt: on


def run(test):
    """Runs a coroutine test; pytest has no asyncio plugin here."""

    def wrapper():
        asyncio.run(asyncio.wait_for(test(), 120))

    wrapper.__name__ = test.__name__
    return wrapper


@asynccontextmanager
async def cluster(workers=1, options=None, **worker_options):
    """A scheduler and workers in this event loop, each with its debug server: (scheduler, workers, client)."""
    options = options or Options(debug_port=0)
    async with Scheduler(port=0, host="127.0.0.1", dashboard_address=":0") as s:
        start_scheduler(s, options)
        started = []
        try:
            for i in range(workers):
                w = Worker(s.address, nthreads=2, dashboard_address=":0", name=f"worker {i}", **worker_options)
                start_worker(w, options)
                started.append(await w)
            async with Client(s.address, asynchronous=True) as c:
                yield s, started, c
        finally:
            for w in started:
                await w.close()


def service(server):
    return server.services["taskglass-debug"]


async def fetch(server, path, **kwargs):
    """One answer over HTTP, whatever its status."""
    port = server if isinstance(server, int) else service(server).port
    request = HTTPRequest(f"http://127.0.0.1:{port}{path}", follow_redirects=False, decompress_response=False, **kwargs)
    return await AsyncHTTPClient(force_instance=True).fetch(request, raise_error=False)


async def view_of(server, topic):
    """A topic over HTTP, checked."""
    answer = await fetch(server, f"/api/v1/debug/{topic}")
    assert answer.code == 200, answer.body
    return check_view(answer.body, topic)


async def eventually(condition, seconds=60):
    """Waits until a condition holds; gives what it gave."""
    for _ in range(int(seconds / 0.02)):
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("that did not become true")


def fact(view, name):
    found = [f for f in view["facts"] if f["name"] == name]
    assert len(found) == 1, (name, [f["name"] for f in view["facts"]])
    return found[0]["value"]


def table(view, title):
    """Rows as dicts; with ``total`` beside them."""
    found = [t for t in view["tables"] if t["title"].startswith(title)]
    assert len(found) == 1, (title, [t["title"] for t in view["tables"]])
    names = [c["name"] for c in found[0]["columns"]]
    return [dict(zip(names, row)) for row in found[0]["rows"]]


def total(view, title):
    return next(t["total"] for t in view["tables"] if t["title"].startswith(title))


def check_view(body, topic):
    body.decode("ascii")
    view = json.loads(body, parse_constant=lambda name: (_ for _ in ()).throw(AssertionError(name)))
    assert set(view) == {"topic", "title", "time", "cost", "facts", "tables", "series", "trees", "notes"}
    assert view["topic"] == topic
    assert view["title"]
    assert view["time"] > 1.6e9
    assert 0 <= view["cost"] < 10
    for f in view["facts"]:
        assert set(f) == {"name", "unit", "value"}
        check_text(f["name"])
        check_value(f["unit"], f["value"])
    for t in view["tables"]:
        assert set(t) == {"title", "columns", "rows", "total"}
        check_text(t["title"])
        assert t["columns"]
        for c in t["columns"]:
            assert set(c) == {"name", "unit"}
            assert c["unit"] in TEXTS | NUMBERS
        assert len(t["rows"]) <= 200
        assert isinstance(t["total"], int)
        assert t["total"] >= len(t["rows"])
        for row in t["rows"]:
            assert len(row) == len(t["columns"])
            for c, value in zip(t["columns"], row):
                check_value(c["unit"], value)
    for s in view["series"]:
        assert set(s) == {"title", "unit", "times", "lines"}
        check_text(s["title"])
        assert s["unit"] in NUMBERS
        assert s["times"] == sorted(s["times"])
        assert len(s["times"]) <= 600
        for line in s["lines"]:
            assert set(line) == {"name", "values"}
            check_text(line["name"])
            assert len(line["values"]) == len(s["times"])
            for value in line["values"]:
                check_value(s["unit"], value)
    for t in view["trees"]:
        assert set(t) == {"title", "unit", "root"}
        assert t["unit"] in ("seconds", "count")
        assert check_node(t["root"]) <= MAX_NODES
    for note in view["notes"]:
        check_text(note)
    for what in ("tables", "series", "trees"):
        titles = [part["title"] for part in view[what]]
        assert len(titles) == len(set(titles)), titles
    names = [f["name"] for f in view["facts"]]
    assert len(names) == len(set(names)), names
    return view


def check_node(node):
    """How many nodes it has."""
    assert set(node) == {"name", "detail", "value", "children"}
    check_text(node["name"])
    assert node["value"] >= 0
    assert math.isfinite(node["value"])
    assert sum(child["value"] for child in node["children"]) <= node["value"] * (1 + 1e-6) + 1e-3
    return 1 + sum(check_node(child) for child in node["children"])


def check_value(unit, value):
    assert unit in TEXTS | NUMBERS
    if value is None or isinstance(value, bool):
        return
    if unit in TEXTS:
        assert isinstance(value, str)
        assert len(value) <= 4_000
        value.encode()  # no lone surrogate
    else:
        assert isinstance(value, (int, float))
        assert math.isfinite(value)
        assert isinstance(value, float) or abs(value) < 2**53


def check_text(text):
    assert isinstance(text, str)
    assert text
    text.encode()


def check_index(body, role):
    index = json.loads(body)
    assert set(index) == {"role", "name", "address", "engine", "version", "pid", "topics"}
    assert index["role"] == role
    assert index["engine"] == "dask"
    for topic in index["topics"]:
        assert set(topic) == {"topic", "title"}
    return index

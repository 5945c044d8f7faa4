"""The HTTP surface of the debug servers: who is let in, what is served, what it costs while nobody asks."""

import asyncio
import gc
import gzip
import json
import logging
import re
import socket
import tempfile
from pathlib import Path

import pytest
from debug_view import check_view, cluster, eventually, fetch, run, service, view_of
from distributed import Scheduler
from distributed.client import wait
from tornado.httputil import HTTPHeaders

from taskglass.debug import SERVICE, start_scheduler
from taskglass.debug.gate import MAX_FAILURES, Gate
from taskglass.debug.problems import PROBLEMS, Problem
from taskglass.options import Options

REPOSITORY = Path(__file__).parents[2]
HTML = {"Accept": "text/html"}
TOKEN = "s3cret-s3cret-s3"


async def raw(port, request):
    """What a server answers to bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(100_000), 30)
    writer.close()
    return answer


def problem(answer, status, code):
    assert answer.code == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    document = json.loads(answer.body)
    assert set(document) == {"type", "title", "status", "code", "detail", "advice"}
    assert document["code"] == code
    assert document["status"] == status
    return document


@run
async def test_what_is_served_and_to_whom():
    async with cluster(workers=1) as (s, [w], _c):
        for server in (s, w):
            root = await fetch(server, "/")
            assert (root.code, root.headers["Location"]) == (302, "debug")
            assert json.loads((await fetch(server, "/health")).body) == {"status": "ok"}
            answer = await fetch(server, "/api/v1/debug/logs/")
            check_view(answer.body, "logs")
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            assert "Server" not in answer.headers
            head = await fetch(server, "/api/v1/debug", method="HEAD")
            assert (head.code, head.body) == (200, b"")
            problem(await fetch(server, "/api/v1/debug/nothing"), 404, "NOT_FOUND")
            problem(await fetch(server, "/api/v1/debug/logs/more"), 404, "NOT_FOUND")
            problem(await fetch(server, "/api/v1/debug/%6Cogs"), 404, "NOT_FOUND")
            problem(await fetch(server, "/api/v1"), 404, "NOT_FOUND")
            for path in ("/../../etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd", "/assets/../../x", "/%00"):
                problem(await fetch(server, path), 404, "NOT_FOUND")
            posted = await fetch(server, "/api/v1/debug", method="POST", body="{}")
            problem(posted, 405, "METHOD_NOT_ALLOWED")
            assert posted.headers["Allow"] == "GET, HEAD"
            from_elsewhere = {"Origin": "http://evil.example"}
            refused = await fetch(server, "/api/v1/debug", method="POST", body="{}", headers=from_elsewhere)
            problem(refused, 403, "ORIGIN_REFUSED")
            for host in ("evil.example", "evil.example:8788", "127.0.0.1.evil.example"):
                problem(await fetch(server, "/health", headers={"Host": host}), 403, "HOST_REFUSED")
            for host in ("a b", "localhost:x", "localhost,evil.example"):
                assert (await fetch(server, "/health", headers={"Host": host})).code in (400, 403)
            for host in ("localhost:1", "127.0.0.1", "[::1]:8788", "LOCALHOST"):
                assert (await fetch(server, "/health", headers={"Host": host})).code == 200
            page = await fetch(server, "/nothing", headers=HTML)
            assert page.code == 404
            assert b"There is nothing here" in page.body
        port = service(s).port
        close = b"Host: localhost\r\nConnection: close\r\n\r\n"
        assert (await raw(port, b"PROPFIND / HTTP/1.1\r\n" + close)).startswith(b"HTTP/1.1 405")
        assert (await raw(port, b"GET / HTTP/1.0\r\n\r\n")).split(b" ")[1] in (b"400", b"403")
        assert (await raw(port, b"GET /../../../etc/passwd HTTP/1.1\r\n" + close)).startswith(b"HTTP/1.1 404")
        assert (await raw(port, b"OPTIONS * HTTP/1.1\r\n" + close)).split(b" ")[1] in (b"400", b"404", b"405")
        await raw(port, b"\x16\x03\x01 not HTTP\r\n\r\n")
        await raw(port, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
        await view_of(s, "states")


@run
async def test_the_page():
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder)
        (page / "assets").mkdir()
        html = '<link href="./assets/a-1.css"><script src="./assets/a-1.js"></script><a href="../x">'
        (page / "index.html").write_text(html)
        (page / "assets/a-1.js").write_text("let a;" * 1_000)
        (page / "icon.svg").write_text("<svg/>")
        (page / "help").mkdir()
        (page / "help/a.html").write_text("another page")
        async with cluster(options=Options(debug_port=0, page_dir=page)) as (s, [w], _c):
            for server in (s, w):
                answer = await fetch(server, "/debug", headers=HTML)
                assert answer.code == 200
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
                assert answer.body.decode() == html
                deeper = (await fetch(server, "/debug/")).body.decode()
                assert deeper == html.replace('"./', '"../')
                script = await fetch(server, "/assets/a-1.js", headers={"Accept-Encoding": "br, gzip"})
                assert script.headers["Content-Encoding"] == "gzip"
                assert gzip.decompress(script.body) == b"let a;" * 1_000
                assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                plain = await fetch(server, "/assets/a-1.js", headers={"Accept-Encoding": "gzip;q=0"})
                assert plain.body == b"let a;" * 1_000
                same = {"If-None-Match": script.headers["Etag"], "Accept-Encoding": "gzip"}
                again = await fetch(server, "/assets/a-1.js", headers=same)
                assert (again.code, again.body) == (304, b"")
                assert (await fetch(server, "/icon.svg")).headers["Content-Type"] == "image/svg+xml"
                assert (await fetch(server, "/help/a.html")).body == b"another page"
                problem(await fetch(server, "/index.html"), 404, "NOT_FOUND")
                problem(await fetch(server, "/assets/"), 404, "NOT_FOUND")
            # Read once, whatever happens to the folder.
            (page / "index.html").write_text("changed")
            assert (await fetch(s, "/debug")).body.decode() == html


@run
async def test_without_a_page_the_rest_works():
    async with cluster(options=Options(debug_port=0, page_dir=REPOSITORY / "no-such-folder")) as (s, [w], _c):
        answer = await fetch(s, "/debug/", headers=HTML)
        assert answer.code == 200
        assert b"The page has not been built" in answer.body
        assert b'href="../api/v1/debug/states"' in answer.body
        assert b'href="api/v1/debug/tasks"' in (await fetch(w, "/debug", headers=HTML)).body
        problem(await fetch(s, "/debug"), 500, "PAGE_NOT_BUILT")
        await view_of(s, "states")


@run
async def test_beyond_this_machine_the_token_is_asked_for():
    options = Options(host="0.0.0.0", token=TOKEN, debug_port=0, allow_hosts=(".lab.example",))
    async with cluster(options=options) as (s, [w], c):
        for server in (s, w):
            refused = await fetch(server, "/api/v1/debug/logs")
            problem(refused, 401, "TOKEN_REQUIRED")
            assert refused.headers["WWW-Authenticate"] == "Bearer"
            problem(await fetch(server, "/debug"), 401, "TOKEN_REQUIRED")
            problem(await fetch(server, "/assets/x.js"), 401, "TOKEN_REQUIRED")
            assert b'<input name="token" type="password"' in (await fetch(server, "/debug", headers=HTML)).body
            assert (await fetch(server, "/health")).code == 200
            problem(await fetch(server, "/api/v1/debug?token=wrong"), 401, "TOKEN_REQUIRED")
            assert (await fetch(server, f"/api/v1/debug?token={TOKEN}")).code == 200
            assert (await fetch(server, "/api/v1/debug", headers={"Authorization": f"Bearer {TOKEN}"})).code == 200
            answer = await fetch(server, f"/debug/?a=1&token={TOKEN}&b=%26", headers=HTML)
            assert (answer.code, answer.headers["Location"]) == (303, "./?a=1&b=%26")
            cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith(f"taskglass-{service(server).port}=")
            assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
            assert "s3cret" not in cookie
            with_cookie = {"Cookie": f"a=b; {cookie.split(';')[0]}"}
            assert (await fetch(server, "/api/v1/debug/logs", headers=with_cookie)).code == 200
            problem(await fetch(server, "/api/v1/debug", headers={"Cookie": cookie[:30]}), 401, "TOKEN_REQUIRED")
            cross = await fetch(server, f"/debug?token={TOKEN}", headers={**HTML, "Sec-Fetch-Site": "cross-site"})
            assert cross.code == 200
            assert b'content="0; url=./debug"' in cross.body
            for host, status in (
                ("10.1.2.3:8788", 200),
                ("node1.lab.example", 200),
                ("evil.example", 403),
                (socket.gethostname(), 200),
            ):
                assert (await fetch(server, "/health", headers={"Host": host})).code == status, host
        for _ in range(MAX_FAILURES):
            answer = await fetch(s, "/api/v1/debug?token=wrong")
        limited = await fetch(s, f"/api/v1/debug?token={TOKEN}")
        problem(limited, 429, "RATE_LIMITED")
        assert limited.headers["Retry-After"] == "60"
        # Whoever reaches the scheduler's own port is trusted by Dask: no token there.
        assert (await c.scheduler.taskglass_debug(topic="logs"))["status"] == "OK"


@run
async def test_a_token_on_this_machine_is_asked_for_too():
    async with cluster(options=Options(token="s3cret", debug_port=0)) as (s, _workers, _c):
        problem(await fetch(s, "/api/v1/debug"), 401, "TOKEN_REQUIRED")


@run
async def test_beyond_this_machine_there_is_no_service_without_a_token():
    async with Scheduler(port=0, host="127.0.0.1", dashboard_address=":0") as s:
        with pytest.raises(ValueError, match="beyond this machine it needs 16 characters, not 15"):
            start_scheduler(s, Options(host="0.0.0.0", token="x" * 15, debug_port=0))
        with pytest.raises(ValueError, match="without a token"):
            start_scheduler(s, Options(host="0.0.0.0", debug_port=0))
        assert SERVICE not in s.services
        assert "taskglass_debug" not in s.handlers
        with pytest.raises(OSError):
            start_scheduler(s, Options(host="203.0.113.1", token="x" * 16, debug_port=0))
        assert SERVICE not in s.services


@run
async def test_a_port_that_is_taken_gives_way():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with cluster(workers=2, options=Options(debug_port=port)) as (s, workers, c):
            ports = [service(server).port for server in (s, *workers)]
            assert len({port, *ports}) == 4
            for server in (s, *workers):
                assert (await fetch(server, "/health")).code == 200
            info = await c.scheduler.identity()
            assert info["services"][SERVICE] == ports[0]
            listed = {worker["services"][SERVICE] for worker in info["workers"].values()}
            assert listed == set(ports[1:])


@run
async def test_it_ends_with_the_scheduler_and_the_worker():
    async with cluster() as (s, [w], _c):
        ports = [service(s).port, service(w).port]
        connections = [await asyncio.open_connection("127.0.0.1", port) for port in ports]
        for reader, writer in connections:
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"ok")
    for port, (reader, writer) in zip(ports, connections):
        assert b"HTTP" not in await asyncio.wait_for(reader.read(), 30)  # the connection that was kept open is closed
        writer.close()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
    service(s).stop()  # again


@run
async def test_an_idle_server_does_nothing():
    async with Scheduler(port=0, host="127.0.0.1", dashboard_address=":0") as s:
        loop = asyncio.get_running_loop()

        def ours():
            """Timers and callbacks of this package that the event loop holds, and coroutines."""
            held = [handle for handle in (*loop._scheduled, *loop._ready) if not handle.cancelled()]
            named = [repr(getattr(handle, "_callback", handle)) for handle in held]
            coroutines = [repr(task.get_coro()) for task in asyncio.all_tasks()]
            return [name for name in (*named, *coroutines) if "taskglass" in name or "HTTP1ServerConnection" in name]

        callbacks = dict(s.periodic_callbacks)
        tasks = asyncio.all_tasks()
        started = start_scheduler(s, Options(debug_port=0))
        assert s.periodic_callbacks == callbacks
        assert asyncio.all_tasks() == tasks
        assert ours() == []
        assert (await fetch(s, "/api/v1/debug/states")).code == 200
        # A connection that the browser has closed leaves nothing behind.
        await eventually(lambda: ours() == [])
        assert s.periodic_callbacks == callbacks
        started.stop()
        gc.collect()


@run
async def test_requests_do_not_fill_the_log():
    records = []

    class Keep(logging.Handler):
        def emit(self, record):
            records.append(record)

    keep = Keep(level=logging.INFO)
    names = ("tornado.access", "tornado.application", "tornado.general", "distributed", "")
    for name in names:
        logging.getLogger(name).addHandler(keep)
    try:
        async with cluster() as (s, _workers, _c):
            records.clear()
            for path in ("/health", "/nothing", "/api/v1/debug/logs", "/api/v1/debug/nothing"):
                for _ in range(5):
                    await fetch(s, path)
            ours = [r for r in records if r.name.startswith("tornado") or "taskglass" in r.name]
            assert ours == []
    finally:
        for name in names:
            logging.getLogger(name).removeHandler(keep)


@run
async def test_the_scheduler_works_on_while_pages_are_read():
    async with cluster(workers=2) as (s, workers, c):
        stop = asyncio.Event()

        async def read(server, topics):
            while not stop.is_set():
                for topic in topics:
                    await view_of(server, topic)

        readers = [
            asyncio.create_task(read(s, service(s).inspector.topics)),
            asyncio.create_task(read(workers[0], service(workers[0]).inspector.topics)),
        ]
        total = c.submit(sum, c.map(lambda i: i, range(100), pure=False))
        assert await total == sum(range(100))
        futures = c.map(lambda i: 1 / i, range(3), pure=False)
        await wait(futures)
        stop.set()
        await asyncio.gather(*readers)


def test_cookies_of_an_earlier_process_are_not_guesses():
    gate = Gate("0.0.0.0", (), "s3cret")
    gate.bind(8788)
    headers = HTTPHeaders({"Host": "localhost", "Cookie": "taskglass-8788=stale"})
    for _ in range(3 * MAX_FAILURES):
        with pytest.raises(Problem, match="no token"):
            gate.admit("GET", headers, None, "10.0.0.1")
    assert gate.admit("GET", headers, "s3cret", "10.0.0.1").startswith("taskglass-8788=")
    with pytest.raises(Problem, match="not the right one"):
        gate.admit("GET", headers, "\ud800é", "10.0.0.1")


def test_the_gate_knows_its_own_origin():
    gate = Gate("127.0.0.1", ("proxy.example",), None)
    ours = {"Host": "localhost:8788", "Origin": "http://localhost:8788"}
    assert gate.admit("POST", HTTPHeaders(ours), None, "") is None
    for origin in ("http://localhost:8787", "null", "http://[", "file://", "http://localhost:8788.evil.example"):
        with pytest.raises(Problem, match="comes from"):
            gate.admit("POST", HTTPHeaders({**ours, "Origin": origin}), None, "")
    assert gate.admit("POST", HTTPHeaders({**ours, "Origin": "https://proxy.example"}), None, "") is None
    with pytest.raises(Problem, match="another site"):
        gate.admit("POST", HTTPHeaders({"Host": "localhost", "Sec-Fetch-Site": "cross-site"}), None, "")


def test_problems_are_those_of_the_table_of_errors():
    source = REPOSITORY / "src/base/errors.ts"
    if not source.is_file():
        pytest.skip("only in a checkout")
    text = source.read_text()
    for code, (status, title, _advice) in PROBLEMS.items():
        found = re.search(rf"\b{code}: {{\s*status: (\d+),\s*title: '([^']*)'", text)
        assert found is not None, code
        assert (int(found[1]), found[2]) == (status, title)

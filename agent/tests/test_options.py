"""What the servers are told, and by whom."""

import logging
from pathlib import Path

import click
import dask
import pytest

from taskglass.options import COMMAND_LINE, OptionError, Options, is_loopback, load_options
from taskglass.preload import _with_token


def test_defaults_are_dasks_ports_on_this_machine_only():
    assert load_options("scheduler") == Options(host="127.0.0.1", port=8787, debug_port=8788)
    assert load_options("worker").debug_port == 8789
    assert load_options("worker").loopback


def test_the_command_line_counts_more_than_the_configuration():
    command = click.Command("taskglass", params=list(COMMAND_LINE))
    line = ["--bokeh-port", "9000", "--taskglass-keep-bokeh", "--taskglass-allow-host", "a.example"]
    given = command.make_context("taskglass", line).params
    config = {"taskglass.port": 1, "taskglass.host": "0.0.0.0", "taskglass.scheduler-debug-port": "0"}
    with dask.config.set(config):
        options = load_options("scheduler", given)
    assert options == Options(host="0.0.0.0", port=9000, debug_port=0, keep_bokeh=True, allow_hosts=("a.example",))
    assert not options.loopback


def test_every_command_line_option_is_a_field():
    assert {option.name for option in COMMAND_LINE} <= set(Options.__dataclass_fields__)


def test_the_environment_may_spell_a_key_as_it_can():
    # As Dask reads DASK_TASKGLASS__KEEP_BOKEH=true and DASK_TASKGLASS__ALLOW_HOSTS=a.example,.b.example.
    with dask.config.set({"taskglass": {"keep_bokeh": "true", "allow_hosts": "a.example, .b.example", "enabled": 0}}):
        options = load_options("scheduler")
    assert options.keep_bokeh
    assert not options.enabled
    assert options.allow_hosts == ("a.example", ".b.example")


def test_recordings_are_on_with_limits_as_people_write_them():
    assert load_options("scheduler").record
    config = {"record-dir": "~/here", "record-max-age": "12h", "record-max-size": "2GiB", "record-max-count": "7"}
    with dask.config.set({f"taskglass.{key}": value for key, value in config.items()}):
        options = load_options("scheduler")
    assert options.record_dir == Path.home() / "here"
    assert (options.record_max_age, options.record_max_size, options.record_max_count) == (43_200, 2 * 2**30, 7)
    with dask.config.set({"taskglass.record": "false"}):
        assert not load_options("scheduler").record
        assert load_options("scheduler", {"record": True}).record


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("record", "perhaps"),
        ("record-max-age", 30),
        ("record-max-age", "30 moons"),
        ("record-max-age", "-1d"),
        ("record-max-size", "much"),
        ("record-max-size", 0),
        ("record-max-count", "1.5"),
        ("port", 65_536),
        ("port", True),
        ("port", "http"),
        ("scheduler-debug-port", -1),
        ("host", ""),
        ("host", "http://here"),
        ("token", "two words"),
        ("token", 1e3),
        ("prefix", "a/../b"),
        ("keep-bokeh", "perhaps"),
        ("allow-hosts", 7),
    ],
)
def test_what_nobody_can_work_with_is_refused_by_name(key, value):
    with dask.config.set({f"taskglass.{key}": value}), pytest.raises(OptionError, match=f"taskglass.{key} "):
        load_options("scheduler")


def test_beyond_this_machine_a_token_is_hard_to_guess():
    for host, token in (("0.0.0.0", "x" * 16), ("127.0.0.1", "x"), ("localhost", "x")):
        assert load_options("worker", {"host": host, "token": token}).token == token
    for host, token in (("0.0.0.0", "x" * 15), ("example.org", "x")):
        wanted = f"beyond this machine it needs 16 characters, not {len(token)}"
        with pytest.raises(OptionError, match=f"^taskglass.token .*{wanted}"):
            load_options("scheduler", {"host": host, "token": token})


def test_a_worker_takes_no_short_token_beyond_this_machine():
    said = []
    logger = logging.Logger("test")
    logger.addFilter(lambda record: said.append(record.getMessage()))
    options = load_options("worker", {"host": "0.0.0.0"})
    assert _with_token(options, "x" * 16, logger) == Options(host="0.0.0.0", debug_port=8789, token="x" * 16)
    for token in ("x", None):
        assert _with_token(options, token, logger) == Options(host="127.0.0.1", debug_port=8789, token=token)
    assert ["stay on this machine" in text for text in said] == [True, True]


def test_prefixes_are_written_one_way():
    for text in ("user/me", "/user/me/", "//user//me"):
        assert load_options("scheduler", {"prefix": text}).prefix == "/user/me"
    assert load_options("scheduler", {"prefix": "/"}).prefix == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.example.org"])
def test_beyond_loopback(host):
    assert not is_loopback(host)

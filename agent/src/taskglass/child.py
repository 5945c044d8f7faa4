"""The Node process beside a scheduler: started, listened to, started again when it dies, ended with the scheduler."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import IO, Any, Callable

#: Starts without ever having served, after which it is left alone.
HOPELESS_STARTS = 3
FIRST_DELAY = 1.0
LAST_DELAY = 30.0
#: Having run this long, it counts as healthy: what ends it then is something new.
HEALTHY_SECONDS = 60.0
#: What one child may write to the scheduler's log.
LINES_PER_MINUTE = 30
LONGEST_LINE = 2_000
_LONGEST_READ = 65_536
#: Levels of the web server's log.
_WARN, _FATAL = 40, 60


class NodeChild:
    """Runs ``command`` until told to stop. Nothing here raises into the scheduler, blocks it or runs on its event loop.

    ``config`` goes to the child as one line of JSON on standard input; ``fd`` is handed down to it. ``on_ready`` and
    ``on_hopeless`` are called on a thread of this object, each at most once: the first time that it serves (with its
    port), or when it never did in HOPELESS_STARTS attempts (with the reason).
    """

    def __init__(
        self,
        command: Sequence[str],
        config: dict[str, Any],
        *,
        fd: int | None,
        logger: logging.Logger,
        on_ready: Callable[[int], None],
        on_hopeless: Callable[[str], None],
    ) -> None:
        self._command = list(command)
        self._line = json.dumps(config).encode() + b"\n"
        self._fd = fd
        self._log = logger
        self._on_ready = on_ready
        self._on_hopeless = on_hopeless
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._served = False
        self._said: deque[str] = deque(maxlen=20)
        self._thread = threading.Thread(target=self._run, name="taskglass-node", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Asks it to end, which takes it some 50 ms; returns at once. Idempotent."""
        self._stopping.set()
        with self._lock:
            if self._process is not None:
                _close(self._process.stdin)
                if not self._served and self._process.poll() is None:
                    # It would notice only once it has been loaded, and has nothing to lose.
                    self._process.kill()

    def kill(self) -> None:
        """For one that did not end when asked."""
        self._stopping.set()
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def _run(self) -> None:
        try:
            self._keep_running()
        except Exception:
            self._log.exception("Taskglass: the thread that looks after the web server failed")

    def _keep_running(self) -> None:
        delay = FIRST_DELAY
        failed = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            reason = self._run_once()
            if self._stopping.is_set():
                return
            if not self._served:
                failed += 1
                if failed >= HOPELESS_STARTS:
                    self._on_hopeless(reason)
                    return
            else:
                if time.monotonic() - began > HEALTHY_SECONDS:
                    delay = FIRST_DELAY
                self._log.warning("Taskglass: the web server %s; starting it again in %.0f s", reason, delay)
            self._stopping.wait(delay)
            delay = min(delay * 2, LAST_DELAY)

    def _run_once(self) -> str:
        """Runs one process to its end and says how it ended."""
        self._said.clear()
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=() if self._fd is None else (self._fd,),
                # Not in the terminal's group: Ctrl-C is for the scheduler, which then ends its child.
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            return f"could not be started ({error})"
        with self._lock:
            self._process = process
            if self._stopping.is_set():
                process.kill()
        try:
            if process.stdin is not None and not self._stopping.is_set():
                process.stdin.write(self._line)
                process.stdin.flush()
        except (OSError, ValueError):
            pass  # It has ended already, or we have been stopped meanwhile; the exit status tells.
        errors = threading.Thread(target=self._read_errors, args=(process.stderr,), name="taskglass-log", daemon=True)
        errors.start()
        self._read_output(process.stdout)
        status = process.wait()
        errors.join(1.0)
        for stream in (process.stdin, process.stdout, process.stderr):
            _close(stream)
        return _ending(status, list(self._said))

    def _read_output(self, stream: IO[bytes] | None) -> None:
        for line in _lines(stream):
            message = _parsed(line)
            if message is None or message.get("ready") is not True or self._served:
                continue
            self._served = True
            self._on_ready(int(message.get("port") or 0))

    def _read_errors(self, stream: IO[bytes] | None) -> None:
        window, count, held = 0.0, 0, 0
        for line in _lines(stream):
            message = _parsed(line)
            if message is None:
                # Not our log but Node's own last words.
                self._said.append(line)
                continue
            if not isinstance(message.get("level"), int) or message["level"] < _WARN:
                continue
            text = _text_of(message)
            if message["level"] >= _FATAL:
                self._said.append(text)
            now = time.monotonic()
            if now - window > 60:
                if held:
                    self._log.warning("Taskglass: %d more lines of the web server's log were left out", held)
                window, count, held = now, 0, 0
            count += 1
            if count <= LINES_PER_MINUTE:
                self._log.warning("Taskglass: %s", text)
            else:
                held += 1


def _lines(stream: IO[bytes] | None) -> Any:
    """The lines of a pipe until its end; a line that is too long comes in pieces."""
    while stream is not None:
        try:
            line = stream.readline(_LONGEST_READ)
        except (OSError, ValueError):
            return
        if not line:
            return
        text = line.decode("utf-8", "replace").strip()
        if text:
            yield text


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _text_of(message: dict[str, Any]) -> str:
    text = str(message.get("msg", ""))
    error = message.get("err")
    if isinstance(error, dict) and error.get("message"):
        text += f": {error['message']}"
    return text[:LONGEST_LINE]


def _ending(status: int, said: list[str]) -> str:
    if status < 0:
        try:
            how = f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            how = f"was ended by signal {-status}"
    else:
        how = f"ended with status {status}"
    # Node ends a report of an uncaught error with its version; the message stands above the stack.
    telling = next((line for line in said if "Error" in line), said[-1] if said else "")
    return f"{how} ({telling[:300]})" if telling else how


def _close(stream: IO[bytes] | None) -> None:
    if stream is None:
        return
    try:
        stream.close()
    except OSError:
        pass

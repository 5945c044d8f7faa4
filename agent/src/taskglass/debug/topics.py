"""What a scheduler and a worker have to show: every topic's name, title and function, in the order of the page."""

from __future__ import annotations

import logging
import os
from typing import Any, Callable

import distributed

from . import (
    comms,
    event_loop,
    logs,
    process,
    profiles,
    scheduler_parts,
    scheduler_tasks,
    scheduler_workers,
    worker_data,
    worker_tasks,
    worker_threads,
)
from .read import thread_time, time
from .view import View, encode, text

Show = Callable[[View, "Inspector"], None]


def _of_server(show: Callable[[View, Any], None]) -> Show:
    return lambda view, inspector: show(view, inspector.server)


def _event_loop(view: View, inspector: Inspector) -> None:
    event_loop.show(view, inspector.server, inspector.watch)


def _worker_profile(view: View, inspector: Inspector) -> None:
    profiles.show_threads(view, inspector.server)
    profiles.show_event_loop(view, inspector.server)


def _worker_monitor(view: View, inspector: Inspector) -> None:
    worker = inspector.server
    process.show(view, worker)
    view.fact("Memory limit", "bytes", worker.memory_manager.memory_limit)
    view.fact("Round trip to the scheduler", "seconds", worker.latency)
    view.fact("Clock behind the scheduler's", "seconds", worker.scheduler_delay)
    view.fact("Interval of heartbeats", "seconds", worker.heartbeat_interval)


_TOPICS: dict[str, dict[str, tuple[str, Show]]] = {
    "scheduler": {
        "event-loop": ("Event loop", _event_loop),
        "transitions": ("Transitions", _of_server(scheduler_tasks.transitions)),
        "states": ("States", _of_server(scheduler_tasks.states)),
        "queues": ("Queues", _of_server(scheduler_tasks.queues)),
        "occupancy": ("Occupancy", _of_server(scheduler_workers.occupancy)),
        "stealing": ("Stealing", _of_server(scheduler_workers.stealing)),
        "bandwidth": ("Bandwidth", _of_server(scheduler_workers.bandwidth)),
        "plugins": ("Plugins", _of_server(scheduler_parts.plugins)),
        "clients": ("Clients", _of_server(scheduler_parts.clients)),
        "comms": ("Connections", _of_server(comms.show)),
        "extensions": ("Extensions", _of_server(scheduler_parts.extensions)),
        "logs": ("Logs", _of_server(logs.show)),
        "profile": ("Profile", _of_server(profiles.show_event_loop)),
        "process": ("Process", _of_server(process.show)),
    },
    "worker": {
        "tasks": ("Tasks", _of_server(worker_tasks.tasks)),
        "stored": ("Stored", _of_server(worker_data.stored)),
        "transfers": ("Transfers", _of_server(worker_data.transfers)),
        "history": ("History", _of_server(worker_tasks.history)),
        "profile": ("Profile", _worker_profile),
        "call-stacks": ("Call stacks", _of_server(worker_threads.call_stacks)),
        "logs": ("Logs", _of_server(logs.show)),
        "monitor": ("Monitor", _worker_monitor),
        "state-log": ("State log", _of_server(worker_tasks.state_log)),
        "spill": ("Spill", _of_server(worker_data.spill)),
        "event-loop": ("Event loop", _event_loop),
        "comms": ("Connections", _of_server(comms.show)),
    },
}


class Inspector:
    """
    Answers for one scheduler or worker. Costs nothing while nobody asks. To be used in the event loop of ``server``
    only: what is read there cannot change meanwhile.
    """

    def __init__(self, role: str, server: Any) -> None:
        self.role = role
        self.server = server
        self.watch = event_loop.LoopWatch()
        self.logger = logging.getLogger(f"distributed.{role}.taskglass")
        self._topics = _TOPICS[role]
        self._failed: set[str] = set()

    @property
    def topics(self) -> list[str]:
        return list(self._topics)

    def answer(self, topic: str | None) -> str | None:
        """
        JSON text: a ``DebugView``, or the ``DebugIndex`` for None, as src/model/debug.ts has them. None where there is
        no such topic. Never raises.
        """
        if topic is None:
            return encode(self._index())
        if not isinstance(topic, str) or topic not in self._topics:
            return None
        started = thread_time()
        title, show = self._topics[topic]
        view = View()
        try:
            show(view, self)
        except Exception as error:
            view.note(f"The rest could not be read in this version of Dask ({type(error).__name__}: {error}).")
            self._log_once(topic)
        document = encode(
            {
                "topic": topic,
                "title": title,
                "time": time(),
                "facts": view.facts,
                "tables": view.tables,
                "series": view.series,
                "trees": view.trees,
                "notes": view.notes,
            }
        )
        # What it cost to encode is part of what it cost.
        return f'{document[:-1]},"cost":{max(0.0, thread_time() - started):.6f}}}'

    def _index(self) -> dict[str, Any]:
        server = self.server
        address = text(getattr(server, "address_safe", None) or _address(server))
        named = self.role == "worker" and server.name is not None
        return {
            "role": self.role,
            "name": text(server.name) if named else address,
            "address": address,
            "engine": "dask",
            "version": distributed.__version__,
            "pid": os.getpid(),
            "topics": [{"topic": topic, "title": title} for topic, (title, _) in self._topics.items()],
        }

    def _log_once(self, topic: str) -> None:
        """To be called while the exception is handled. A page that asks every second must not fill the log."""
        if topic not in self._failed:
            self._failed.add(topic)
            self.logger.warning("The debug page %s could not be read whole", topic, exc_info=True)


def _address(server: Any) -> str:
    try:
        return server.address
    except ValueError:
        return "not-running"

"""Who is connected to a scheduler, and what has been plugged into it."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any

from .read import MAX_SCAN, attributes, size, type_name
from .view import MAX_ROWS, View, text

_HOOKS = (
    "transition",
    "update_graph",
    "add_worker",
    "remove_worker",
    "add_client",
    "remove_client",
    "log_event",
    "valid_workers_downscaling",
    "restart",
    "before_close",
    "close",
)


def plugins(view: View, scheduler: Any) -> None:
    from distributed.diagnostics.plugin import SchedulerPlugin

    held = scheduler.plugins
    named = list(held.items()) if isinstance(held, dict) else [(type(plugin).__name__, plugin) for plugin in held]
    view.fact("Plugins of the scheduler", "count", len(named))
    view.table(
        "Plugins of the scheduler",
        [("name", "text"), ("type", "text"), ("called at", "text")],
        named,
        lambda item: (item[0], type_name(item[1]), ", ".join(_hooks(item[1], SchedulerPlugin))),
    )
    with view.part("Plugins for workers"):
        rows = [
            (name, role, size(plugin))
            for role, group in (("worker", scheduler.worker_plugins), ("nanny", scheduler.nanny_plugins))
            for name, plugin in islice(group.items(), MAX_ROWS)
        ]
        view.fact("Plugins for workers and nannies", "count", len(rows))
        view.table(
            "Plugins sent to workers and nannies", [("name", "text"), ("for", "text"), ("pickled", "bytes")], rows
        )


def _hooks(plugin: Any, base: type) -> list[str]:
    """Which calls of the scheduler it answers; ``transition`` is the one that costs."""
    own, found = vars(plugin) if hasattr(plugin, "__dict__") else {}, []
    for hook in _HOOKS:
        method = getattr(type(plugin), hook, None)
        if hook in own or (method is not None and method is not getattr(base, hook, None)):
            found.append(hook)
    return found


def clients(view: View, scheduler: Any) -> None:
    known = list(scheduler.clients.values())
    view.fact("Clients", "count", len(scheduler.client_comms))
    view.fact("Futures held", "count", sum(len(client.wants_what) for client in islice(known, MAX_SCAN)))
    comms = scheduler.client_comms
    view.table(
        "Clients",
        [
            ("client", "text"),
            ("address", "text"),
            ("futures", "count"),
            ("last heard of", "time"),
            ("python", "text"),
            ("distributed", "text"),
        ],
        sorted(known, key=lambda client: -len(client.wants_what)),
        lambda client: (
            client.client_key,
            getattr(getattr(comms.get(client.client_key), "comm", None), "peer_address", None),
            len(client.wants_what),
            client.last_seen or None,
            _version(client.versions, "host", "python"),
            _version(client.versions, "packages", "distributed"),
        ),
    )
    view.note("fire-and-forget stands for tasks that must run though nobody holds them.")
    with view.part("Published datasets"):
        held = getattr(scheduler.extensions.get("publish"), "datasets", {})
        view.fact("Published datasets", "count", len(held))


def _version(versions: Any, group: str, name: str) -> Any:
    found = (versions or {}).get(group)
    found = found.get(name) if isinstance(found, dict) else None
    return text(found).split(" ")[0].replace(".final.0", "") if found else None


def extensions(view: View, scheduler: Any) -> None:
    """Locks, queues, variables, shuffles, the active memory manager, …: what they are and how much they hold."""
    held = sorted(scheduler.extensions.items(), key=lambda item: text(item[0]))
    view.fact("Extensions", "count", len(held))
    view.table("Extensions", [("name", "text"), ("type", "text")], held, lambda item: (item[0], type_name(item[1])))
    rows = []
    for name, extension in held:
        for attribute, value in attributes(extension):
            if isinstance(value, (dict, set, list, deque)) or (hasattr(value, "items") and size(value) is not None):
                rows.append((name, attribute.lstrip("_"), size(value)))
    view.table("What they hold", [("name", "text"), ("what", "text"), ("entries", "count")], rows)

    manager = scheduler.extensions.get("amm")
    if manager is None:
        view.note("The active memory manager is not loaded in this scheduler.")
        return
    with view.part("Active memory manager"):
        view.fact("Active memory manager runs", "text", bool(manager.running))
        view.fact("Its interval", "seconds", manager.interval)
        view.fact("Its measure of memory", "text", manager.measure)
        view.fact("Its policies", "text", ", ".join(sorted(type(policy).__name__ for policy in manager.policies)))

"""The samples that Dask's profiler takes, merged to one tree that a browser can draw."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import dask
from dask.utils import parse_timedelta

from .read import newest
from .view import View, number, text

MAX_MERGED = 8_000  # nodes of Dask's trees that are looked at, newest trees first
MAX_NODES = 1_000  # nodes sent, the heaviest
MAX_DEPTH = 100
MAX_CYCLES = 3_600


class Merged:
    """Sums trees of Dask's (dicts with ``count``, ``description``, ``children``) into one."""

    def __init__(self) -> None:
        self.root: list[Any] = [0, {}, {}]  # samples, description, children by identifier
        self.nodes = 0
        self.trees = 0

    @property
    def full(self) -> bool:
        return self.nodes >= MAX_MERGED

    def add(self, tree: dict[str, Any]) -> None:
        self.trees += 1
        todo = [(tree, tree["count"], self.root, 0)]
        while todo:
            source, count, target, depth = todo.pop()
            target[0] += count
            self.nodes += 1
            if depth >= MAX_DEPTH or not source["children"]:
                continue
            # The newest tree is written to by the sampling thread meanwhile.
            children = [(identifier, child, child["count"]) for identifier, child in list(source["children"].items())]
            # Of a task's stack, Dask counts the callers but not the innermost function: what is left of a caller's
            # count is of those it called last.
            innermost = sum(1 for _, _, samples in children if not samples)
            left = max(0, count - sum(samples for _, _, samples in children)) / innermost if innermost else 0
            for identifier, child, samples in children:
                into = target[2].get(identifier)
                if into is None:
                    into = target[2][identifier] = [0, child.get("description") or {}, {}]
                todo.append((child, samples or left, into, depth + 1))

    def tree(self, weight: float | None) -> tuple[dict[str, Any], int]:
        """
        The heaviest nodes as a ``DebugNode``, and how many were left out. ``weight``: seconds of a sample, or None to
        count samples.
        """
        found, todo = [], [(self.root, 0, -1)]
        while todo:
            node, depth, parent = todo.pop()
            at = len(found)
            found.append((node, depth, parent))
            todo.extend((child, depth + 1, at) for child in node[2].values())
        # No child is heavier than its parent, so what is kept is a tree.
        order = sorted(range(len(found)), key=lambda i: (-found[i][0][0], found[i][1]))
        kept: dict[int, dict[str, Any]] = {}
        for i in order[:MAX_NODES]:
            (count, description, _), _, parent = found[i]
            value = round(count if weight is None else count * weight, 6)
            made = {"name": "all", "detail": "", "value": number(value) or 0, "children": []}
            if parent >= 0:
                if parent not in kept:
                    continue
                made["name"], made["detail"] = _names(description)
                kept[parent]["children"].append(made)
            kept[i] = made
        return kept[0], len(found) - len(kept)


def _names(description: Any) -> tuple[str, str]:
    if not isinstance(description, dict):
        return text(description, 120) or "?", ""
    place = f"{text(description.get('filename', ''))}:{text(description.get('line_number', ''))}"
    line = text(description.get("line") or "", 120).strip()
    return text(description.get("name") or "?", 120), f"{place}  {line}" if line else place


def show_event_loop(view: View, server: Any) -> None:
    """What the thread of the event loop was doing."""
    history = getattr(server.io_loop, "profile", None)
    merged = _merge(tree for _, tree in reversed(newest(history or (), MAX_CYCLES)))
    view.fact("Samples of the event loop", "count", merged.root[0])
    if not merged.root[0]:
        view.note(_why_no_event_loop())
        return
    times = newest(history, merged.trees)
    view.fact("Event loop sampled since", "time", times[0][0])
    tree, left_out = merged.tree(None)
    view.tree("Event loop", "count", tree)
    view.note(
        f"Dask samples the event loop once per cycle of {_config('cycle', '1000ms'):g} s; the tree counts samples."
    )
    if left_out:
        view.note(f"Event loop: the {left_out} lightest nodes are left out.")


def show_threads(view: View, worker: Any) -> None:
    """What the threads that execute tasks were doing, and for which tasks."""
    interval = _config("interval", "10ms")
    history = newest(worker.profile_history, MAX_CYCLES)
    merged = _merge([worker.profile_recent, *(tree for _, tree in reversed(history))])
    view.fact("Samples of tasks", "count", merged.root[0])
    view.fact("Interval of samples", "seconds", interval)
    if merged.trees > 1 and history:
        view.fact("Tasks sampled since", "time", history[-min(merged.trees - 1, len(history))][0])
    if merged.root[0]:
        tree, left_out = merged.tree(interval)
        view.tree("Tasks", "seconds", tree)
        view.note("Dask counts the callers of the innermost function only: callees of one caller share what is left.")
        if left_out:
            view.note(f"Tasks: the {left_out} lightest nodes are left out.")
    elif "profile" not in worker.periodic_callbacks:
        view.note("Sampling is switched off here: distributed.worker.profile.enabled.")
    else:
        view.note("No task has been sampled: none ran in a thread for long enough.")

    samples: dict[str, int] = {}
    for name, tree in list(worker.profile_keys.items()):
        samples[name] = samples.get(name, 0) + tree["count"]
    for _, cycle in newest(worker.profile_keys_history, 600):
        for name, tree in list(cycle.items()):
            samples[name] = samples.get(name, 0) + tree["count"]
    view.table(
        "Sampled functions",
        [("function", "text"), ("samples", "count"), ("seconds", "seconds")],
        sorted(samples.items(), key=lambda item: -item[1]),
        lambda item: (item[0], item[1], item[1] * interval),
    )


def _merge(trees: Iterable[dict[str, Any]]) -> Merged:
    merged = Merged()
    for tree in trees:
        if merged.full:
            break
        merged.add(tree)
    return merged


def _config(name: str, default: str) -> float:
    return parse_timedelta(dask.config.get(f"distributed.worker.profile.{name}", default), default="ms")


def _why_no_event_loop() -> str:
    if not dask.config.get("distributed.worker.profile.enabled", True):
        return "Sampling is switched off here: distributed.worker.profile.enabled."
    if sys.version_info[:2] == (3, 11):
        return "Dask does not sample the event loop on Python 3.11, or has not yet."
    return "Dask has not sampled the event loop yet."

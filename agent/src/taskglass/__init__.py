"""Taskglass inside a Dask cluster: ``dask scheduler --preload taskglass``, or ``distributed.scheduler.preload`` in
Dask's configuration, which is what this package's ``etc/dask/taskglass.yaml`` sets.

In a scheduler it starts the web interface, in a Node process of its own, and the debug pages; in a worker, the debug
pages. In anything else (a nanny, a client) it does nothing.
"""

from __future__ import annotations

from typing import Any

import click

from taskglass.options import COMMAND_LINE

__all__ = ["dask_setup", "dask_teardown"]


async def _setup(server: Any, **given: Any) -> None:
    # Dask imports a preload to check a command line, too: what serves is imported where it is needed.
    from taskglass import preload

    await preload.setup(server, given)


dask_setup = click.Command("taskglass", callback=_setup, params=list(COMMAND_LINE))


async def dask_teardown(server: Any) -> None:
    from taskglass import preload

    await preload.teardown(server)

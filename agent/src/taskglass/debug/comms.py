"""The connections of a scheduler or a worker, and what goes over them."""

from __future__ import annotations

from typing import Any

from .view import View, text


def show(view: View, server: Any) -> None:
    with view.part("Counts of connections"):
        for name, count in server.get_connection_counters().items():
            view.fact(name.replace("_", " ").capitalize(), "count", count)
        view.fact("Limit of outgoing connections", "count", server.rpc.limit)

    with view.part("Streams"):
        streams = [(_peer_name(server, address), address, stream) for address, stream in _streams(server)]
        view.table(
            "Streams",
            [
                ("peer", "text"),
                ("address", "text"),
                ("messages", "count"),
                ("batches", "count"),
                ("sent", "bytes"),
                ("waiting messages", "count"),
                ("unsent", "bytes"),
                ("closed", "text"),
            ],
            streams,
            lambda row: (
                row[0],
                row[1],
                row[2].message_count,
                row[2].batch_count,
                row[2].byte_count,
                len(row[2].buffer),
                _unsent(row[2].comm),
                bool(row[2].closed()),
            ),
        )
    with view.part("Incoming connections"):
        view.table(
            "Incoming connections",
            [("from", "text"), ("to", "text"), ("request now", "text"), ("written", "bytes"), ("unsent", "bytes")],
            list(server._comms.items()),
            lambda item: (item[0].peer_address, item[0].local_address, item[1], _written(item[0]), _unsent(item[0])),
        )
    with view.part("Outgoing connections"):
        pool = server.rpc
        addresses = sorted({*pool.occupied, *pool.available})
        view.table(
            "Outgoing connections",
            [("to", "text"), ("in use", "count"), ("kept open", "count")],
            addresses,
            lambda address: (address, len(pool.occupied.get(address, ())), len(pool.available.get(address, ()))),
        )
    with view.part("Requests"):
        counted = server.counters["op"].components if "op" in server.counters else []
        view.table(
            "Requests, over a fading window",
            [("operation", "text"), ("5 s", "count"), ("1 min", "count"), ("1 h", "count")],
            sorted({op for component in counted for op in component}, key=text),
            lambda op: (op, *(round(component.get(op, 0), 1) for component in counted)),
        )


def _streams(server: Any) -> list[tuple[str, Any]]:
    """Dask's BatchedSend objects by the peer's address; of a worker, the one to the scheduler as well."""
    found = [(text(address), stream) for address, stream in getattr(server, "stream_comms", {}).items()]
    found += [(text(client), stream) for client, stream in getattr(server, "client_comms", {}).items()]
    own = getattr(server, "batched_stream", None)
    if own is not None:
        found.insert(0, (text(server.scheduler.address), own))
    return found


def _peer_name(server: Any, address: str) -> Any:
    """A scheduler knows its workers' names."""
    if address in getattr(server, "client_comms", ()):
        return "client"
    if hasattr(server, "batched_stream"):
        return "scheduler" if address == server.scheduler.address else "worker"
    worker = server.workers.get(address)
    return worker.name if worker is not None else "worker"


def _written(comm: Any) -> Any:
    """Of a TCP connection, what Tornado took to write; None for the others."""
    return getattr(getattr(comm, "stream", None), "_total_write_index", None)


def _unsent(comm: Any) -> Any:
    stream = getattr(comm, "stream", None)
    taken, done = getattr(stream, "_total_write_index", None), getattr(stream, "_total_write_done_index", None)
    return None if taken is None or done is None else taken - done

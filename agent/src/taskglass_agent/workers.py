"""The workers: which there are, what their heartbeats say, and what the scheduler says of them."""

from array import array
from itertools import islice

from .limits import INF, MAX_ROWS, MAX_WORKERS, NAN
from .tables import text


class Workers:
    def __init__(self, scheduler, tables, running):
        self.workers = scheduler.workers
        self.table = tables.worker
        self.running = running
        self.begin_anew()

    def begin_anew(self):
        self.changed = True  # the set of them
        self.order = []  # [(address, WorkerState)]
        self.informed = {}  # address -> WorkerState as described
        self.last_seen = {}
        self.delay = {}  # address -> least delay of its heartbeats
        self.visited = {}  # address -> counts as sent
        self.at = self.left = 0

    def look_at_all(self):
        self.left = len(self.order)

    def refresh(self, msg):
        """The set of workers changed: say who is gone, describe the new ones (a bounded number per tick)."""
        table, informed, workers = self.table, self.informed, self.workers
        self.order = list(workers.items())
        gone = [a for a, ws in informed.items() if workers.get(a) is not ws]
        for address in gone:
            for known in (informed, self.last_seen, self.delay, self.visited):
                known.pop(address, None)
            self.running.forget(address)
        if gone:
            msg["gone"] = [table[a] for a in gone]
        info = []
        self.changed = False
        for address, ws in self.order:
            if address in informed:
                continue
            if len(info) == MAX_ROWS:
                self.changed = True
                break
            informed[address] = ws
            info.append(description(table[address], address, ws))
        if info:
            msg["wi"] = info
        self.left = len(self.order)

    def heartbeats(self, msg):
        """Metrics of the workers that were heard of since the last tick. Returns their addresses."""
        table, seen, informed = self.table, self.last_seen, self.informed
        ids, rows = array("I"), array("d")
        beats = []
        for address, ws in self.order:
            last = ws.last_seen
            if seen.get(address) == last:
                continue
            if len(beats) == MAX_ROWS:
                break
            if address not in informed or not ws.metrics:
                continue
            seen[address] = last
            beats.append(address)
            ids.append(table[address])
            rows.extend(metrics_row(ws))
            # A heartbeat's delay is the difference of the clocks plus its own way; the least one is nearest to the
            # difference. It may creep up, should the clocks drift.
            self.delay[address] = min(self.delay.get(address, INF) + 0.001, ws.time_delay)
        if ids:
            msg["mt"] = {"id": ids.tobytes(), "rows": rows.tobytes()}
        return beats

    def visit(self, msg, beats, now):
        """The scheduler's view of workers, and what runs there: a slice per tick, and those just heard of."""
        order, visited, table, running = self.order, self.visited, self.table, self.running
        ids, counts, numbers, status = array("I"), array("I"), array("d"), []
        beats = set(beats)
        todo = beats | set(islice(running.candidates, MAX_WORKERS))
        if self.left > 0:
            n = len(order)
            take = min(MAX_WORKERS, self.left, n)
            at = self.at if self.at < n else 0
            part = order[at : at + take]
            self.at = at + len(part)
            self.left -= max(len(part), 1)
            todo.update(a for a, _ in part)
        workers, informed = self.workers, self.informed
        for address in todo:
            ws = workers.get(address)
            if ws is None or informed.get(address) is not ws:
                running.candidates.pop(address, None)
                continue
            state = ws.status.name
            row = (len(ws.processing), len(ws._has_what), len(ws.executing), ws.occupancy, ws.nbytes)
            before = visited.get(address)
            if before is None or before[0] != row:
                i = table[address]
                ids.append(i)
                counts.extend(row[:3])
                numbers.extend(row[3:])
            if before is None or before[1] != state:
                status.append((table[address], text(state)))
            visited[address] = (row, state)
            origin = ws.last_seen - ws.time_delay + self.delay[address] if address in beats else None
            running.look(address, ws, origin, now)
        if ids:
            msg["w"] = {"id": ids.tobytes(), "n": counts.tobytes(), "d": numbers.tobytes()}
        if status:
            msg["ws"] = status


def description(index, address, ws):
    try:
        version = (ws.versions or {}).get("packages", {}).get("distributed")
    except Exception:
        version = None
    return (
        index,
        text(address),
        text(ws.name),
        text(ws.host),
        int(ws.nthreads),
        float(ws.memory_limit or 0),
        text(version or ""),
        services(ws.services),
        text(ws.nanny or ""),
        int(ws.pid or 0),
        text(ws.local_directory or ""),
    )


def services(ports):
    return {text(k): v for k, v in (ports or {}).items() if isinstance(v, int)}


def metrics_row(ws):
    """The numbers of a worker's latest heartbeat, NaN where it does not say. Memory as Dask's MemoryState does."""
    get = ws.metrics.get
    spilled = get("spilled_bytes")
    if not isinstance(spilled, dict):
        spilled = {}
    net, disk = get("host_net_io") or {}, get("host_disk_io") or {}
    digests = get("digests_total_since_heartbeat") or {}
    process = get("memory", NAN)
    managed = min(process, max(0, ws.nbytes - spilled.get("memory", 0)))
    old = min(ws._memory_unmanaged_old, process - managed)
    return (
        ws.last_seen,
        get("cpu", NAN),
        process,
        managed,
        old,
        process - managed - old,
        spilled.get("disk", 0),
        net.get("read_bps", NAN),
        net.get("write_bps", NAN),
        disk.get("read_bps", NAN),
        disk.get("write_bps", NAN),
        get("num_fds", NAN),
        get("event_loop_interval", NAN),
        digests.get("latency", NAN),
    )

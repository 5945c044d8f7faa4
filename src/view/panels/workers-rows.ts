import { naturalOrder } from '../../base/natural-order.ts';
import type { WorkerView } from '../../model/batch.ts';

/** What the table can be sorted by; `value` decides, ties stay in order of address. */
const WORKER_SORTS = {
  address: (w) => w.address,
  name: (w) => w.name,
  status: (w) => w.status,
  nthreads: (w) => w.nthreads,
  cpu: (w) => w.cpu / Math.max(1, w.nthreads),
  memory: (w) => w.memory.process,
  processing: (w) => w.processing,
  in_memory: (w) => w.in_memory,
  occupancy: (w) => w.occupancy,
  network_read: (w) => w.network.read,
  network_write: (w) => w.network.write,
  disk_read: (w) => w.disk.read,
  disk_write: (w) => w.disk.write,
  latency: (w) => w.latency,
  last_seen: (w) => w.last_seen,
  version: (w) => w.version,
} as const satisfies Record<string, (worker: WorkerView) => number | string>;
export type WorkerSort = keyof typeof WORKER_SORTS;

export interface Sorting {
  readonly by: WorkerSort;
  readonly descending: boolean;
}

/** A host's line: sums, except for what Dask reports host-wide, which is the largest that a worker of it says. */
export interface HostTotals {
  readonly host: string;
  readonly workers: number;
  readonly nthreads: number;
  readonly cpu: number;
  readonly memory: WorkerView['memory'];
  readonly processing: number;
  readonly in_memory: number;
  readonly occupancy: number;
  readonly network: WorkerView['network'];
  readonly disk: WorkerView['disk'];
  readonly latency: number;
  readonly last_seen: number;
}

export type TableRow =
  | { readonly kind: 'host'; readonly host: HostTotals; readonly folded: boolean }
  | { readonly kind: 'worker'; readonly worker: WorkerView };

/** Seconds without a heartbeat after which a worker is called stale: Dask's slowest ordinary interval, five times. */
const STALE_LEAST = 5;
const HEARTBEATS = 5;

/** Dask spreads heartbeats so that a scheduler gets 200 a second at most, and never more than two a second of one worker. */
function heartbeat(workers: number): number {
  return Math.max(0.5, workers / 200);
}

export type WorkerMood = 'running' | 'paused' | 'stale' | 'lost';

/** What stands out about a worker. `now` is the scheduler's clock, seconds. */
export function moodOf(worker: WorkerView, now: number, workers: number): WorkerMood {
  if (!worker.alive) return 'lost';
  if (worker.last_seen > 0 && now - worker.last_seen > Math.max(STALE_LEAST, HEARTBEATS * heartbeat(workers)))
    return 'stale';
  return worker.status === 'running' || worker.status === '' ? 'running' : 'paused';
}

export type MemoryTone = 'blue' | 'orange' | 'red';

/** Share of the limit from which Dask may spill: the smaller of its `target` and `spill`, by default. */
const MAY_SPILL = 0.6;
/** … and from which a nanny restarts the worker. */
const TERMINATES = 0.95;

/** Dask's rule for a memory bar: red is paused, retiring or about to be killed, orange may spill, blue is well. */
export function memoryTone(worker: WorkerView): MemoryTone {
  const { process, limit } = worker.memory;
  if (worker.status !== 'running' && worker.status !== '') return 'red';
  if (!(limit > 0)) return 'blue';
  if (process >= limit * TERMINATES) return 'red';
  return process >= limit * MAY_SPILL ? 'orange' : 'blue';
}

/** A host's line shows the sum of its workers, which says nothing of the worst of them: orange is the most that it can be. */
export function hostTone({ memory: { process, limit } }: HostTotals): MemoryTone {
  return limit > 0 && process >= limit * MAY_SPILL ? 'orange' : 'blue';
}

/** The table's rows: hosts in order of name, under each its workers in the wanted order, unless folded away. */
export function tableRows(workers: readonly WorkerView[], sorting: Sorting, folded: ReadonlySet<string>): TableRow[] {
  const hosts = new Map<string, WorkerView[]>();
  for (const worker of workers) {
    const group = hosts.get(worker.host);
    if (group === undefined) hosts.set(worker.host, [worker]);
    else group.push(worker);
  }
  const order = comparator(sorting);
  const groups = [...hosts].map(([host, members]) => ({
    totals: totalsOf(host, members),
    members: members.sort(order),
  }));
  groups.sort((a, b) => naturalOrder(a.totals.host, b.totals.host));
  return groups.flatMap(({ totals, members }): TableRow[] => {
    const isFolded = folded.has(totals.host);
    const head: TableRow = { kind: 'host', host: totals, folded: isFolded };
    return isFolded ? [head] : [head, ...members.map((worker): TableRow => ({ kind: 'worker', worker }))];
  });
}

/** Unknown numbers stand last in either direction. */
function comparator({ by, descending }: Sorting): (a: WorkerView, b: WorkerView) => number {
  const value: (worker: WorkerView) => number | string = WORKER_SORTS[by];
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const [x, y] = [value(a), value(b)];
    let order = 0;
    if (typeof x === 'string' || typeof y === 'string') order = sign * naturalOrder(String(x), String(y));
    else if (Number.isNaN(x) || Number.isNaN(y)) order = Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    else order = sign * (x - y);
    return order || naturalOrder(a.address, b.address);
  };
}

function totalsOf(host: string, all: readonly WorkerView[]): HostTotals {
  const workers = all.filter((worker) => worker.alive);
  const sum = (pick: (worker: WorkerView) => number) => known(workers.map(pick)).reduce((a, b) => a + b, 0);
  const most = (pick: (worker: WorkerView) => number) => {
    const values = known(workers.map(pick));
    return values.length === 0 ? Number.NaN : Math.max(...values);
  };
  return {
    host,
    workers: workers.length,
    nthreads: sum((w) => w.nthreads),
    cpu: sum((w) => w.cpu),
    memory: {
      process: sum((w) => w.memory.process),
      managed: sum((w) => w.memory.managed),
      unmanaged_old: sum((w) => w.memory.unmanaged_old),
      unmanaged_recent: sum((w) => w.memory.unmanaged_recent),
      spilled: sum((w) => w.memory.spilled),
      limit: sum((w) => w.memory.limit),
    },
    processing: sum((w) => w.processing),
    in_memory: sum((w) => w.in_memory),
    occupancy: sum((w) => w.occupancy),
    network: { read: most((w) => w.network.read), write: most((w) => w.network.write) },
    disk: { read: most((w) => w.disk.read), write: most((w) => w.disk.write) },
    latency: most((w) => w.latency),
    last_seen: most((w) => w.last_seen),
  };
}

function known(values: readonly number[]): number[] {
  return values.filter((value) => Number.isFinite(value));
}

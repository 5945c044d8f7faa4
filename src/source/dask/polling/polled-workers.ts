import type {
  SourceSink,
  WorkerCounts,
  WorkerInfo,
  WorkerMetrics,
  WorkerSample,
  WorkersChange,
} from '../../../model/source-event.ts';
import { count, num, ports, str } from '../columns.ts';
import type { DaskValue } from '../comm/message.ts';
import { isRecord } from '../comm/msgpack.ts';

type Row = { readonly [key: string]: DaskValue };

/** Dask calls unmanaged memory old that was there for so long. */
const OLD_AFTER_S = 30;

interface Known {
  readonly worker: number;
  readonly id: string;
  lastSeen: number;
  /** Readings of unmanaged memory within {@link OLD_AFTER_S}. */
  unmanaged: (readonly [time: number, bytes: number])[];
}

/** The workers, from what `identity` says of them: the heartbeats, but not the scheduler's own counts. */
export class PolledWorkers {
  readonly #known = new Map<string, Known>();

  /** When the scheduler last heard of any worker, by its own clock. */
  lastSeen = Number.NEGATIVE_INFINITY;

  /** `workers` of a reply of `identity`. */
  read(workers: DaskValue | undefined, sink: SourceSink): WorkersChange | undefined {
    if (!isRecord(workers)) return undefined;
    const added: WorkerInfo[] = [];
    const samples: WorkerSample[] = [];
    const removed: number[] = [];
    for (const [address, row] of Object.entries(workers)) {
      if (!isRecord(row)) continue;
      const id = `${plain(row.id)} ${plain(row.name)} ${num(number(row.nthreads))}`;
      let known = this.#known.get(address);
      if (known !== undefined && known.id !== id) {
        removed.push(known.worker);
        known = undefined;
      }
      if (known === undefined) {
        known = { worker: sink.intern('worker', address), id, lastSeen: Number.NaN, unmanaged: [] };
        this.#known.set(address, known);
        added.push(description(known.worker, address, row));
      }
      samples.push(this.#sample(known, row));
    }
    for (const [address, { worker }] of this.#known) {
      if (Object.hasOwn(workers, address)) continue;
      removed.push(worker);
      this.#known.delete(address);
    }
    if (added.length + samples.length + removed.length === 0) return undefined;
    return { ...(removed.length > 0 && { removed }), ...(added.length > 0 && { added }), samples };
  }

  #sample(known: Known, row: Row): WorkerSample {
    const { worker } = known;
    const status = str(plain(row.status));
    const metrics = isRecord(row.metrics) ? row.metrics : undefined;
    const lastSeen = number(row.last_seen);
    if (metrics === undefined || lastSeen === known.lastSeen) return { worker, status };
    known.lastSeen = lastSeen;
    if (lastSeen > this.lastSeen && lastSeen < 1e11) this.lastSeen = lastSeen;
    return { worker, status, counts: counts(metrics), metrics: heartbeat(known, lastSeen, metrics) };
  }
}

/** By the worker's own count; what the scheduler has in mind for it is not said. */
function counts(metrics: Row): WorkerCounts {
  const tasks = part(metrics.task_counts);
  const waits = ['executing', 'long-running', 'ready', 'constrained', 'waiting'];
  return {
    processing: waits.reduce((sum, state) => sum + count(number(tasks[state])), 0),
    inMemory: count(number(tasks.memory)),
    executing: count(number(tasks.executing)) + count(number(tasks['long-running'])),
    occupancy: Number.NaN,
    nbytes: count(number(metrics.managed_bytes)),
  };
}

/** Memory as Dask's own MemoryState divides it. */
function heartbeat(known: Known, lastSeen: number, metrics: Row): WorkerMetrics {
  const spilled = part(metrics.spilled_bytes);
  const net = part(metrics.host_net_io);
  const disk = part(metrics.host_disk_io);
  const process = number(metrics.memory);
  const inMemory = count(number(metrics.managed_bytes)) - count(number(spilled.memory));
  const managed = Math.min(process, Math.max(0, inMemory));
  const unmanaged = process - managed;
  known.unmanaged = known.unmanaged.filter(([time]) => time >= lastSeen - OLD_AFTER_S);
  known.unmanaged.push([lastSeen, unmanaged]);
  const unmanagedOld = Math.min(...known.unmanaged.map(([, bytes]) => bytes));
  return {
    lastSeen,
    cpu: number(metrics.cpu),
    process,
    managed,
    unmanagedOld,
    unmanagedRecent: unmanaged - unmanagedOld,
    spilled: count(number(spilled.disk)),
    networkRead: number(net.read_bps),
    networkWrite: number(net.write_bps),
    diskRead: number(disk.read_bps),
    diskWrite: number(disk.write_bps),
    fds: number(metrics.num_fds),
    eventLoopInterval: number(metrics.event_loop_interval),
    latency: latency(metrics.digests_total_since_heartbeat),
  };
}

/** That map has keys that are tuples. */
function latency(digests: DaskValue | undefined): number {
  return number(digests instanceof Map ? digests.get('latency') : part(digests).latency);
}

function description(worker: number, address: string, row: Row): WorkerInfo {
  return {
    worker,
    address,
    name: String(plain(row.name) ?? ''),
    host: str(plain(row.host)),
    nthreads: count(number(row.nthreads)),
    memoryLimit: count(number(row.memory_limit)),
    version: '',
    services: ports(isRecord(row.services) ? Object.fromEntries(servicePorts(row.services)) : undefined),
    nanny: str(plain(row.nanny)),
    pid: 0,
    localDirectory: str(plain(row.local_directory)),
  };
}

export function servicePorts(services: Row): [name: string, port: number][] {
  return Object.entries(services).flatMap(([name, port]) => (typeof port === 'number' ? [[name, port]] : []));
}

function part(value: DaskValue | undefined): Row {
  return isRecord(value) ? value : {};
}

function plain(value: DaskValue | undefined): string | number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

/** NaN for what is none. */
function number(value: DaskValue | undefined): number {
  return typeof value === 'number' ? value : Number.NaN;
}

import type { WorkerView } from '../model/batch.ts';
import type { GoneWorker } from '../model/known-before.ts';
import type { WorkerCounts, WorkerInfo, WorkerMetrics, WorkerSample } from '../model/source-event.ts';
import type { Seconds, StringIndex } from '../model/units.ts';
import type { StateReader, StateWriter } from './paging/state.ts';

/** A worker that went is shown this long, marked as gone. */
const GONE_SHOWN: Seconds = 60;

interface Row {
  info: WorkerInfo;
  status: string;
  counts: WorkerCounts | null;
  metrics: WorkerMetrics | null;
  goneSince: Seconds | null;
}

/** What the workers that are there have and use together; bytes. */
export interface WorkersTotals {
  workers: number;
  threads: number;
  /** Percent of a worker's threads, mean over those that have reported. */
  cpu: number;
  memory: number;
  /** Of all of them, once one has reported: it must not jump with the first word of each. */
  memoryLimit: number;
  spilled: number;
}

/** What is known of each worker now. */
export class WorkerTable {
  readonly #rows = new Map<StringIndex, Row>();

  add(info: WorkerInfo): void {
    // A successor under the same name takes the place of the one that went.
    for (const [worker, row] of this.#rows) {
      if (row.goneSince !== null && row.info.name === info.name) this.#rows.delete(worker);
    }
    this.#rows.set(info.worker, { info, status: 'running', counts: null, metrics: null, goneSince: null });
  }

  remove(worker: StringIndex, time: Seconds): void {
    const row = this.#rows.get(worker);
    if (row === undefined || row.goneSince !== null) return;
    row.goneSince = time;
    row.status = 'lost';
  }

  sample(samples: readonly WorkerSample[]): void {
    for (const { worker, status, counts, metrics } of samples) {
      const row = this.#rows.get(worker);
      if (row === undefined) continue;
      if (status !== undefined && row.goneSince === null) row.status = status;
      if (counts !== undefined) row.counts = counts;
      if (metrics !== undefined) row.metrics = metrics;
    }
  }

  /** Those that went and are still shown. */
  gone(): GoneWorker[] {
    return [...this.#rows].flatMap(([worker, { info, counts, metrics, goneSince }]) => {
      if (goneSince === null) return [];
      return [{ info, since: goneSince, sample: { worker, ...(counts && { counts }), ...(metrics && { metrics }) } }];
    });
  }

  /** One that went before. */
  addGone({ info, since, sample }: GoneWorker): void {
    this.add(info);
    this.sample([sample]);
    this.remove(info.worker, since);
  }

  /** Forgets those that have been gone for long enough. */
  expire(now: Seconds): void {
    for (const [worker, row] of this.#rows) {
      if (row.goneSince !== null && now - row.goneSince > GONE_SHOWN) this.#rows.delete(worker);
    }
  }

  save(into: StateWriter): void {
    const rows = [...this.#rows].map(([worker, row]) => [worker, { ...row }] as const);
    into.text(() => rows);
  }

  load(from: StateReader): void {
    for (const [worker, row] of from.text<[StringIndex, Row][]>()) this.#rows.set(worker, row);
  }

  /** Workers that are there now. */
  alive(): StringIndex[] {
    return [...this.#rows].filter(([, row]) => row.goneSince === null).map(([worker]) => worker);
  }

  /** Asked for ten times a second: nothing is made but the answer. */
  totals(): WorkersTotals {
    const totals = { workers: 0, threads: 0, cpu: 0, memory: 0, memoryLimit: 0, spilled: 0 };
    let reported = 0;
    for (const { goneSince, info, metrics } of this.#rows.values()) {
      if (goneSince !== null) continue;
      totals.workers++;
      totals.threads += info.nthreads;
      totals.memoryLimit += info.memoryLimit;
      if (metrics === null) continue;
      totals.spilled += metrics.spilled || 0;
      if (Number.isNaN(metrics.cpu)) continue;
      reported++;
      totals.cpu += metrics.cpu / Math.max(1, info.nthreads);
      totals.memory += metrics.process || 0;
    }
    if (reported === 0) totals.memoryLimit = 0;
    else totals.cpu /= reported;
    return totals;
  }

  views(): WorkerView[] {
    return [...this.#rows].map(([worker, row]) => viewOf(worker, row));
  }
}

function viewOf(worker: StringIndex, { info, status, counts, metrics, goneSince }: Row): WorkerView {
  return {
    worker,
    address: info.address,
    name: info.name,
    host: info.host,
    status,
    nthreads: info.nthreads,
    version: info.version,
    cpu: metrics?.cpu ?? Number.NaN,
    memory: {
      process: metrics?.process ?? Number.NaN,
      managed: metrics?.managed ?? Number.NaN,
      unmanaged_old: metrics?.unmanagedOld ?? Number.NaN,
      unmanaged_recent: metrics?.unmanagedRecent ?? Number.NaN,
      spilled: metrics?.spilled ?? Number.NaN,
      limit: info.memoryLimit,
    },
    processing: counts?.processing ?? 0,
    in_memory: counts?.inMemory ?? 0,
    executing: counts?.executing ?? 0,
    occupancy: counts?.occupancy ?? 0,
    latency: metrics?.latency ?? Number.NaN,
    last_seen: metrics?.lastSeen ?? Number.NaN,
    network: { read: metrics?.networkRead ?? Number.NaN, write: metrics?.networkWrite ?? Number.NaN },
    disk: { read: metrics?.diskRead ?? Number.NaN, write: metrics?.diskWrite ?? Number.NaN },
    services: info.services,
    pid: info.pid,
    alive: goneSince === null,
    gone_since: goneSince,
  };
}

import { Growable } from '../base/growable.ts';
import { RESOURCE_COLUMNS, type ResourceColumn, type WorkerView } from '../model/batch.ts';
import type { Seconds } from '../model/units.ts';
import type { StateReader, StateWriter } from './paging/state.ts';
import type { WorkerTable } from './workers.ts';

/** Samples are at least this far apart. */
const SAMPLE_EVERY: Seconds = 0.5;
/** About three hours of them; older ones are dropped. */
const SAMPLES_KEPT = 21_600;
/** Older ones are dropped many at a time. */
const ROOM = SAMPLES_KEPT + SAMPLES_KEPT / 8;

/** The cluster's CPU, memory and traffic over time. */
export class Resources {
  readonly columns: Readonly<Record<ResourceColumn, Growable<Float64Array>>>;
  /** Samples ever taken; those that are still here are the last `columns.time.length` of them. */
  taken = 0;

  constructor() {
    const columns = RESOURCE_COLUMNS.map((name) => [name, new Growable(Float64Array)]);
    this.columns = Object.fromEntries(columns) as Record<ResourceColumn, Growable<Float64Array>>;
  }

  /** True when the last sample is old enough for another. */
  due(time: Seconds): boolean {
    const { time: times } = this.columns;
    const last = times.length === 0 ? Number.NEGATIVE_INFINITY : times.at(times.length - 1);
    return time - last >= SAMPLE_EVERY || time < last - SAMPLE_EVERY;
  }

  sample(time: Seconds, workers: WorkerTable): void {
    const row = summarise(workers);
    if (row === null) return;
    for (const name of RESOURCE_COLUMNS) {
      const column = this.columns[name];
      // All at once: memory that grows for hours until it has what it needs would be taken for a leak.
      column.reserve(ROOM + 1 - column.length);
      column.push(name === 'time' ? time : row[name]);
      if (column.length > ROOM) column.dropFirst(column.length - SAMPLES_KEPT);
    }
    this.taken++;
  }

  save(into: StateWriter): void {
    into.number(this.taken);
    for (const name of RESOURCE_COLUMNS) into.numbers(this.columns[name].view());
  }

  load(from: StateReader): void {
    this.taken = from.number();
    for (const name of RESOURCE_COLUMNS) this.columns[name].append(from.numbers());
  }

  /** The samples from number `first` on (counted since the beginning), row by row in the order of RESOURCE_COLUMNS. */
  rowsFrom(first: number): Float64Array {
    const { length } = this.columns.time;
    const skip = Math.max(0, length - (this.taken - first));
    const rows = new Float64Array((length - skip) * RESOURCE_COLUMNS.length);
    RESOURCE_COLUMNS.forEach((name, at) => {
      const column = this.columns[name];
      for (let i = skip; i < length; i++) rows[(i - skip) * RESOURCE_COLUMNS.length + at] = column.at(i);
    });
    return rows;
  }
}

export type ResourceRow = Record<Exclude<ResourceColumn, 'time'>, number>;

/** One sample over the workers that have reported; null when none has. */
export function summarise(table: WorkerTable): ResourceRow | null {
  const workers = table.views().filter((w) => w.alive && !Number.isNaN(w.cpu));
  if (workers.length === 0) return null;
  const { cpu: mean, memory, memoryLimit } = table.totals();
  const cpu = workers.map((w) => w.cpu / Math.max(1, w.nthreads));
  const process = workers.map((w) => w.memory.process || 0);
  const used = workers.map((w, i) => (w.memory.limit > 0 ? process[i]! / w.memory.limit : 0));
  const hosts = groupByHost(workers);
  const perHost = (pick: (w: WorkerView) => number): number =>
    sum([...hosts.values()].map((group) => Math.max(...group.map((w) => pick(w) || 0))));
  return {
    cpu: mean,
    cpuMin: Math.min(...cpu),
    cpuMax: Math.max(...cpu),
    memory,
    memoryMin: Math.min(...used) * memoryLimit,
    memoryMax: Math.max(...used) * memoryLimit,
    memoryLimit,
    networkRead: perHost((w) => w.network.read),
    networkWrite: perHost((w) => w.network.write),
    diskRead: perHost((w) => w.disk.read),
    diskWrite: perHost((w) => w.disk.write),
  };
}

/** Workers by host, in order of appearance. */
export function groupByHost(workers: readonly WorkerView[]): Map<string, WorkerView[]> {
  const hosts = new Map<string, WorkerView[]>();
  for (const worker of workers) {
    const group = hosts.get(worker.host);
    if (group === undefined) hosts.set(worker.host, [worker]);
    else group.push(worker);
  }
  return hosts;
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

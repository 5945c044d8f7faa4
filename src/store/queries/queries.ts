import { RESOURCE_COLUMNS, type RunView, type WorkerView } from '../../model/batch.ts';
import { SCHEDULER_STATES, type SchedulerState, STATE_INDEX } from '../../model/task-state.ts';
import type { Bytes, Seconds, Seq } from '../../model/units.ts';
import { groupByHost } from '../resources.ts';
import type { Store } from '../store.ts';
import { runView, totalsOf } from './cursors.ts';
import { colorOf, type Known, known, snakeCase } from './json.ts';

export { FUNCTION_SORTS, functionsSteps, functionsView } from './functions-query.ts';
export { recordDetailsSteps } from './links-query.ts';
export { SEARCH_FIELDS, searchSteps } from './search-query.ts';
export { sharesSteps, sharesView } from './shares-query.ts';
export { recordView, type TasksFilter, tasksFoundSteps, tasksPage, tasksPageSteps } from './tasks-query.ts';

// The HTTP API's answers as plain objects in Dask's words.

/** What the server knows of the cluster as a whole. Null until a scheduler was reached. */
export function clusterView(store: Store) {
  if (store.cluster === null) return null;
  const { engine, address, id, version, started, mode, services } = store.cluster;
  const totals = totalsOf(store);
  return {
    seq: store.seq,
    time: store.clock(),
    engine,
    address,
    id,
    version,
    started,
    link: store.link.state,
    link_reason: store.link.reason,
    workers: totals.workers,
    threads: totals.threads,
    memory_limit: totals.memoryLimit,
    tasks: stateTotals(store),
    services,
    agent: {
      mode,
      share: known(store.cost?.share ?? Number.NaN),
      per_task: known(store.cost?.perTask ?? Number.NaN),
      loop_lag: known(store.cost?.loopLag ?? Number.NaN),
    },
  };
}

/** Counts of every function that has tasks, largest first. */
export function progressView(store: Store) {
  const functions = rows(store)
    .filter((row) => row.total > 0)
    .sort((a, b) => b.total - a.total || a.fn - b.fn)
    .map(({ fn, name, total, counts, nbytes }) => ({
      name,
      color: colorOf(fn),
      total,
      released: counts[STATE_INDEX.released]!,
      memory: counts[STATE_INDEX.memory]!,
      erred: counts[STATE_INDEX.erred]!,
      processing: counts[STATE_INDEX.processing]!,
      queued: counts[STATE_INDEX.queued]!,
      no_worker: counts[STATE_INDEX['no-worker']]!,
      waiting: counts[STATE_INDEX.waiting]!,
      nbytes,
    }));
  return { seq: store.seq, time: store.clock(), totals: stateTotals(store), functions };
}

/** Bytes of results in memory by function, by name. What was released does not count. */
export function memoryView(store: Store) {
  const functions = rows(store)
    .filter((row) => row.nbytes > 0 || row.counts[STATE_INDEX.memory]! > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ fn, name, nbytes, counts }) => ({
      name,
      color: colorOf(fn),
      nbytes,
      keys: counts[STATE_INDEX.memory]!,
    }));
  const nbytes = functions.reduce((sum, row) => sum + row.nbytes, 0);
  return { seq: store.seq, time: store.clock(), nbytes, functions };
}

/** Workers that are there now, and totals per host. */
export function workersView(store: Store) {
  const workers = store.workers.views().filter((worker) => worker.alive);
  return { seq: store.seq, time: store.clock(), hosts: hostViews(workers), workers: workers.map(workerJson) };
}

/** Columns of samples after `since`. */
export function resourcesView(store: Store, since: Seconds = 0) {
  const { columns } = store.resources;
  const times = columns.time.view();
  let first = 0;
  while (first < times.length && times[first]! <= since) first++;
  const entries = RESOURCE_COLUMNS.map((name) => [snakeCase(name), Array.from(columns[name].view(first), known)]);
  return { seq: store.seq, time: store.clock(), samples: Object.fromEntries(entries) as Record<string, Known[]> };
}

export function runsView(store: Store): { seq: Seq; time: Seconds; runs: RunView[]; gaps: Store['gaps'] } {
  return { seq: store.seq, time: store.clock(), runs: store.runs.list.map(runView), gaps: store.gaps };
}

function stateTotals(store: Store): Record<SchedulerState, number> {
  const totals = store.functions.totals();
  return Object.fromEntries(SCHEDULER_STATES.map((state, i) => [state, totals[i]!])) as Record<SchedulerState, number>;
}

interface Row {
  readonly fn: number;
  readonly name: string;
  readonly total: number;
  readonly counts: readonly number[];
  readonly nbytes: Bytes;
}

function rows(store: Store): Row[] {
  const { functions, strings } = store;
  return Array.from({ length: functions.length }, (_, fn) => {
    const counts = functions.counts(fn);
    const total = counts.reduce((sum, n) => sum + n, 0);
    return { fn, name: strings.function.at(fn), total, counts, nbytes: functions.nbytes(fn) };
  });
}

function hostViews(workers: readonly WorkerView[]) {
  const hosts = [...groupByHost(workers)].sort(([a], [b]) => (a < b ? -1 : 1));
  return hosts.map(([host, here]) => {
    const sum = (of: (worker: WorkerView) => number): number => here.reduce((total, w) => total + (of(w) || 0), 0);
    // Dask reports these for the whole host from each of its workers: they are one figure, not several.
    const hostWide = (of: (worker: WorkerView) => number): Known =>
      known(Math.max(...here.map(of).filter(Number.isFinite)));
    return {
      host,
      workers: here.length,
      nthreads: sum((w) => w.nthreads),
      cpu: sum((w) => w.cpu),
      memory: { process: sum((w) => w.memory.process), limit: sum((w) => w.memory.limit) },
      processing: sum((w) => w.processing),
      in_memory: sum((w) => w.in_memory),
      network: { read: hostWide((w) => w.network.read), write: hostWide((w) => w.network.write) },
      disk: { read: hostWide((w) => w.disk.read), write: hostWide((w) => w.disk.write) },
    };
  });
}

function workerJson(worker: WorkerView) {
  const { memory, network, disk } = worker;
  return {
    address: worker.address,
    name: worker.name,
    host: worker.host,
    status: worker.status,
    nthreads: worker.nthreads,
    version: worker.version,
    cpu: known(worker.cpu),
    memory: {
      process: known(memory.process),
      managed: known(memory.managed),
      unmanaged_old: known(memory.unmanaged_old),
      unmanaged_recent: known(memory.unmanaged_recent),
      spilled: known(memory.spilled),
      limit: known(memory.limit),
    },
    processing: worker.processing,
    in_memory: worker.in_memory,
    executing: worker.executing,
    occupancy: known(worker.occupancy),
    latency: known(worker.latency),
    last_seen: known(worker.last_seen),
    network: { read: known(network.read), write: known(network.write) },
    disk: { read: known(disk.read), write: known(disk.write) },
    services: worker.services,
    pid: worker.pid,
  };
}

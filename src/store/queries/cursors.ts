import {
  type ClusterView,
  type CountsView,
  NOTHING_RUNS,
  type RecordingView,
  type ResourcesBatch,
  type RunningBatch,
  type RunView,
  type StateBatch,
  type TotalsView,
  type TrackView,
  type WorkersBatch,
} from '../../model/batch.ts';
import { STATE_COUNT } from '../../model/task-state.ts';
import { type Seconds, type Seq, toSeconds } from '../../model/units.ts';
import type { Track } from '../detail/tracks.ts';
import type { Run } from '../runs.ts';
import type { Store } from '../store.ts';

export { WindowCursor } from '../detail/window-cursor.ts';

/** Runs that a page is told of. */
export const RUNS_SENT = 200;
/** While only the end of the last run moves, runs are sent this often. */
const RUNS_EVERY: Seconds = 1;
const NO_GAPS: Store['gaps'] = [];

/** What is shown of a store, or of one moment of its history. */
export interface Shown
  extends Pick<
    Store,
    | 'seq'
    | 'cluster'
    | 'link'
    | 'totals'
    | 'cost'
    | 'gaps'
    | 'strings'
    | 'functions'
    | 'workers'
    | 'running'
    | 'runs'
    | 'clock'
    | 'rate'
    | 'follow'
  > {
  readonly records: { readonly finished: number };
  readonly tracks: { readonly list: readonly Track[] };
  readonly resources: { readonly taken: number; rowsFrom(first: number): Float64Array };
}

/** What the cluster's view says of the server itself. */
export interface ClusterOptions {
  /** Pages may run the example. */
  readonly example?: boolean;
  readonly recording?: () => RecordingView;
  /** Why older details are missing; empty: they are not. */
  readonly cut?: () => string;
}

const NOT_RECORDED: RecordingView = { state: 'off', reason: '' };

/** What changed in the state that every page needs. One cursor serves all viewers: its batches are broadcast. */
export class StateCursor {
  readonly #store: Shown;
  readonly #view: ClusterOptions;
  #seq: Seq = -1;
  #names = 0;
  #runs = -1;
  #runsAt: Seconds = 0;
  #gaps: Store['gaps'] = NO_GAPS;
  /** Parts that are compared by content: they change without an event, or rarely with one. */
  #last: Record<string, string> = {};

  constructor(store: Shown, view: ClusterOptions = {}) {
    this.#store = store;
    this.#view = view;
  }

  /** Makes the next batch a full one. */
  reset(): void {
    this.#seq = -1;
    this.#names = 0;
    this.#runs = -1;
    this.#gaps = NO_GAPS;
    this.#last = {};
  }

  /** Everything that changed since the last call, or null when nothing did. */
  next(): StateBatch | null {
    const store = this.#store;
    const reset = this.#seq < 0;
    const since = this.#seq;
    const batch: { -readonly [K in keyof StateBatch]: StateBatch[K] } = { seq: store.seq, now: store.clock(), reset };
    const cluster = this.#changed('cluster', clusterOf(store, this.#view));
    if (cluster !== undefined) batch.cluster = cluster;
    // `heard` moves with every tick; only a change of the link itself is news.
    if (this.#changed('link', [store.link.state, store.link.since, store.link.reason]) !== undefined) {
      batch.link = store.link;
    }
    const totals = this.#changed('totals', totalsOf(store));
    if (totals !== undefined) batch.totals = totals;
    const cost = store.cost === null ? undefined : this.#changed('cost', store.cost);
    if (cost !== undefined) batch.cost = cost;
    const follow = store.follow();
    if (follow !== null && this.#changed('follow', follow) !== undefined) batch.follow = follow;
    if (store.strings.function.length > this.#names) {
      batch.names = { first: this.#names, values: store.strings.function.valuesFrom(this.#names) };
      this.#names = store.strings.function.length;
    }
    if (store.seq !== since) {
      const counts = countsSince(store, since);
      if (counts.fn.length > 0) batch.counts = counts;
      const tracks = store.tracks.list.filter((track) => track.stamp > since).map(trackView);
      if (tracks.length > 0) batch.tracks = tracks;
    }
    this.#addRuns(batch);
    if (store.gaps !== this.#gaps && store.gaps.length > 0) batch.gaps = store.gaps;
    this.#gaps = store.gaps;
    this.#seq = store.seq;
    return reset || Object.keys(batch).length > 3 ? batch : null;
  }

  #addRuns(batch: { -readonly [K in keyof StateBatch]: StateBatch[K] }): void {
    const { runs } = this.#store;
    const moved = this.#runs !== runs.structure || batch.now - this.#runsAt >= RUNS_EVERY;
    if (!moved) return;
    this.#runsAt = batch.now;
    this.#runs = runs.structure;
    const views = runs.list.slice(-RUNS_SENT).map(runView);
    if (this.#changed('runs', views) !== undefined) batch.runs = views;
  }

  #changed<T>(part: string, value: T): T | undefined {
    const text = JSON.stringify(value);
    if (this.#last[part] === text) return undefined;
    this.#last[part] = text;
    return value;
  }
}

/** A full batch, for a viewer that has just come. */
export function stateSnapshot(store: Shown, view: ClusterOptions = {}): StateBatch {
  return new StateCursor(store, view).next()!;
}

/** Which rows run what. */
export class RunningCursor {
  readonly #store: Shown;
  #seq: Seq = -1;

  constructor(store: Shown) {
    this.#store = store;
  }

  next(): RunningBatch | null {
    const { running, seq } = this.#store;
    const reset = this.#seq < 0;
    const tracks: number[] = [];
    if (seq !== this.#seq) {
      running.stamps.forEach((stamp, track) => {
        if (stamp > this.#seq && (!reset || running.onTrack(track) !== undefined)) tracks.push(track);
      });
    }
    this.#seq = seq;
    if (!reset && tracks.length === 0) return null;
    const tasks = tracks.map((track) => running.onTrack(track));
    return {
      seq,
      now: this.#store.clock(),
      reset,
      track: Uint32Array.from(tracks),
      fn: Uint32Array.from(tasks, (task) => task?.fn ?? NOTHING_RUNS),
      start: Float64Array.from(tasks, (task) => task?.start ?? 0),
      keys: tasks.map((task) => task?.key ?? ''),
    };
  }
}

export function runningSnapshot(store: Shown): RunningBatch {
  return new RunningCursor(store).next()!;
}

/** Samples that were taken. */
export class ResourcesCursor {
  readonly #store: Shown;
  readonly #most: number;
  #taken = -1;

  /** `most`: samples that come first. */
  constructor(store: Shown, most = RESOURCES_SENT) {
    this.#store = store;
    this.#most = most;
  }

  next(): ResourcesBatch | null {
    const { resources, seq } = this.#store;
    if (resources.taken === this.#taken) return null;
    const reset = this.#taken < 0;
    const samples = resources.rowsFrom(Math.max(0, reset ? resources.taken - this.#most : this.#taken));
    this.#taken = resources.taken;
    return { seq, now: this.#store.clock(), reset, samples };
  }
}
/** Half an hour: a page shows the last minutes. */
const RESOURCES_SENT = 3_600;

export function resourcesSnapshot(store: Shown): ResourcesBatch {
  return new ResourcesCursor(store).next()!;
}

export function workersBatch(store: Shown): WorkersBatch {
  return { seq: store.seq, now: store.clock(), workers: store.workers.views() };
}

export function clusterOf(store: Shown, { example = false, recording, cut }: ClusterOptions): ClusterView | null {
  if (store.cluster === null) return null;
  const { engine, address, id, version, started, mode, services } = store.cluster;
  const shown = { engine, address, id, version, started, mode, services, example };
  const why = cut?.() ?? '';
  return { ...shown, recording: recording?.() ?? NOT_RECORDED, ...(why !== '' && { cut: why }) };
}

export function totalsOf(store: Shown): TotalsView {
  const { workers, threads, cpu, memory, memoryLimit, spilled } = store.workers.totals();
  let nbytes = 0;
  for (let fn = 0; fn < store.functions.length; fn++) nbytes += store.functions.nbytes(fn);
  return {
    workers,
    threads,
    rate: Math.round(store.rate() * 10) / 10,
    records: store.records.finished,
    cpu: Math.round(cpu * 10) / 10,
    memory,
    memoryLimit,
    spilled,
    nbytes,
    clients: store.totals?.clients ?? 0,
    schedulerCpu: store.totals?.cpu ?? Number.NaN,
    schedulerMemory: store.totals?.memory ?? Number.NaN,
  };
}

export function countsSince(store: Shown, since: Seq): CountsView {
  const { functions } = store;
  const changed: number[] = [];
  for (let fn = 0; fn < functions.length; fn++) if (functions.stamps.at(fn) > since) changed.push(fn);
  const states = new Uint32Array(changed.length * STATE_COUNT);
  changed.forEach((fn, i) => {
    states.set(functions.counts(fn), i * STATE_COUNT);
  });
  return {
    fn: Uint32Array.from(changed),
    states,
    nbytes: Float64Array.from(changed, (fn) => functions.nbytes(fn)),
  };
}

function trackView({ track, slot, place }: Track): TrackView {
  const { worker, address, name, host, alive, nthreads } = place;
  return { track, worker, address, name, host, slot, alive: alive && slot < nthreads };
}

export function runView(run: Run): RunView {
  const { records, erred, cluster } = run;
  return { start: toSeconds(run.start), stop: toSeconds(run.stop), records, erred, cluster };
}

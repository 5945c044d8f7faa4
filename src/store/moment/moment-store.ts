import { type FollowView, type GapView, type LinkView, RESOURCE_COLUMNS } from '../../model/batch.ts';
import { briefOf, type FinishedBrief } from '../../model/finished-brief.ts';
import type { KnownBefore } from '../../model/known-before.ts';
import type {
  AgentCost,
  ClusterEvent,
  ClusterTotals,
  RunningTask,
  SourceEvent,
  TickEvent,
  WorkerInfo,
} from '../../model/source-event.ts';
import { ACTION_INDEX } from '../../model/task-state.ts';
import { type Micros, type Seconds, type Seq, type StringIndex, toMicros } from '../../model/units.ts';
import { FunctionTable } from '../functions.ts';
import { Pace } from '../pace.ts';
import { Resources } from '../resources.ts';
import { RunningTasks } from '../running.ts';
import { Runs } from '../runs.ts';
import type { Store } from '../store.ts';
import { WorkerTable } from '../workers.ts';
import { MomentTracks } from './moment-tracks.ts';

/** Runs that are handed on to who goes on from here. */
const RUNS_BEFORE = 200;
/** Tasks that a following stream shows. */
const RECENT = 1_000;
/** A task that is said to run may have ended a moment before, and one that ended may have begun a moment later, µs. */
const ABOUT: Micros = 1_000_000;

interface Told {
  readonly key: string;
  readonly fn: StringIndex;
  readonly worker: StringIndex;
  readonly start: Micros;
}

/**
 * What was true at one moment of a history that a store holds: counts, workers, what runs, runs so far. It is told the same events
 * without their finished tasks; which rows and records there are it sees in the store. Cursors read it as they read a store.
 */
export class MomentStore {
  seq: Seq = 0;
  /** Of the last tick. */
  now: Seconds = 0;
  /** The moment; null: the last tick's. */
  moment: Seconds | null = null;
  cluster: ClusterEvent | null = null;
  totals: ClusterTotals | null = null;
  cost: AgentCost | null = null;
  readonly functions = new FunctionTable();
  readonly workers = new WorkerTable();
  /** By row, once it was {@link settle}d. */
  readonly running = new RunningTasks();
  readonly runs = new Runs();
  readonly tracks: MomentTracks;
  readonly #store: Store | null;
  #pace = new Pace();
  readonly #told = new Map<string, Told>();
  readonly #sampled = new Resources();
  #records = 0;
  #lost = 0;
  #past = 0;
  #gapsOf: readonly GapView[] = [];
  #gaps: readonly GapView[] = [];

  /** `store` holds the history; null: nobody is going to look, see {@link before}. */
  constructor(store: Store | null) {
    this.#store = store;
    this.tracks = new MomentTracks(store?.tracks ?? { list: [] });
  }

  get strings(): Store['strings'] {
    return this.#store!.strings;
  }

  get link(): LinkView {
    return { state: 'connected', since: 0, heard: this.now, reason: '' };
  }

  /** Those that were known by then; another list whenever one comes. */
  get gaps(): readonly GapView[] {
    const all = this.#store?.gaps ?? [];
    const until = this.clock();
    const gaps = all.filter((gap) => gap.until <= until);
    if (all !== this.#gapsOf || gaps.length !== this.#gaps.length) this.#gaps = gaps;
    this.#gapsOf = all;
    return this.#gaps;
  }

  get records(): { readonly length: number; readonly finished: number; readonly witnessed: number } {
    const finished = this.#records - this.#lost;
    return { length: this.#records, finished, witnessed: finished - this.#past };
  }

  /** The store's samples up to the moment, where it has them still; else what was sampled on the way here. */
  get resources(): { readonly taken: number; rowsFrom(first: number): Float64Array } {
    const all = this.#store?.resources;
    if (all === undefined || !this.#isSampled(this.clock())) return this.#sampled;
    const { time } = all.columns;
    const until = this.clock();
    let length = time.length;
    while (length > 0 && time.at(length - 1) > until) length--;
    const later = time.length - length;
    return {
      taken: all.taken - later,
      rowsFrom: (first) => {
        const rows = all.rowsFrom(first);
        return rows.subarray(0, Math.max(0, rows.length - later * RESOURCE_COLUMNS.length));
      },
    };
  }

  clock(): Seconds {
    return this.moment ?? this.now;
  }

  rate(): number {
    return this.#pace.at(this.clock(), this.records.witnessed);
  }

  follow(): FollowView | null {
    const run = this.runs.last;
    if (run === undefined) return null;
    let start: Micros = this.#earliest() ?? run.stop;
    const { records } = this.#store!;
    const end = Math.min(this.#records, records.length);
    for (let record = Math.max(0, end - RECENT); record < end; record++) {
      start = Math.min(start, records.start.at(record));
    }
    const stop = this.#told.size > 0 ? toMicros(this.clock()) : run.stop;
    return { start: Math.max(start, run.start), runStart: run.start, runStop: stop };
  }

  /** Goes on from what was known when a file began. */
  restore(events: readonly SourceEvent[], before: KnownBefore | undefined): void {
    if (before !== undefined) {
      this.#records = before.records;
      this.#lost = before.lost;
      this.#past = before.past;
      for (const { start, stop, records, erred, cluster: id } of before.runs) {
        this.runs.setCluster(id);
        this.runs.touch(start, stop, records, erred);
      }
    }
    for (const event of events) this.accept(event, null);
    this.#pace = new Pace();
    for (const [time, tasks] of before?.pace ?? []) this.#pace.saw(time, tasks);
    for (const gone of before?.gone ?? []) this.workers.addGone(gone);
    // A run that is said to begin with the first of these events began before.
    for (let fn = 0; fn < this.functions.length; fn++) this.functions.setBaseline(fn, 0);
    for (const [fn, forgotten] of before?.baseline ?? []) this.functions.setBaseline(fn, forgotten);
  }

  /** The other half of {@link restore}; the events that say the rest are others' to keep. */
  before(): KnownBefore {
    return {
      records: this.#records,
      lost: this.#lost,
      past: this.#past,
      runs: this.runs.list.slice(-RUNS_BEFORE).map((run) => ({ ...run })),
      baseline: this.functions.baseline(),
      gone: this.workers.gone(),
      pace: this.#pace.readings.map(({ time, count }) => [time, count] as const),
    };
  }

  /** `brief`: what finished in a tick that does not hold its tasks. */
  accept(event: SourceEvent, brief: FinishedBrief | null = null): void {
    this.seq++;
    if (event.kind === 'cluster') {
      if (this.cluster !== null && this.cluster.id !== event.id) this.#endCluster();
      this.cluster = event;
      this.runs.setCluster(event.id);
      this.#hear(event.time);
    } else if (event.kind === 'tick') {
      const { finished } = event;
      this.#tick(event, brief ?? (finished === undefined ? null : briefOf(finished, event.time)));
    }
  }

  /** Puts what runs on rows. */
  settle(): void {
    this.seq++;
    this.tracks.sync(this.seq);
    for (const task of [...this.running.values()]) {
      const told = this.#told.get(task.key);
      if (told?.start !== task.start || told.worker !== task.worker) this.running.end(task.key, this.seq);
    }
    const unplaced: Told[] = [];
    for (const task of this.#told.values()) {
      if (this.running.has(task.key)) continue;
      const track = this.#seenOn(task);
      if (track === null || this.running.onTrack(track) !== undefined) unplaced.push(task);
      else this.running.begin({ ...task, track }, this.seq);
    }
    for (const task of unplaced) {
      const free = this.tracks
        .placeOf(task.worker)
        ?.tracks.find((row) => row !== undefined && this.running.onTrack(row.track) === undefined);
      if (free !== undefined) this.running.begin({ ...task, track: free.track }, this.seq);
    }
  }

  /** The row on which the store has this task, finished since or running still; null where it has none. */
  #seenOn({ key, fn, worker, start }: Told): number | null {
    const { slices, records, running } = this.#store!;
    const moment = toMicros(this.clock());
    for (const row of this.tracks.placeOf(worker)?.tracks ?? []) {
      if (row === undefined) continue;
      const now = running.onTrack(row.track);
      if (now?.key === key && now.start <= moment) return row.track;
      let found = false;
      slices.visit(row.track, Math.min(start, moment - ABOUT), moment + 1, ({ action, record }) => {
        found = action === ACTION_INDEX.compute && records.fn.at(record) === fn && records.keys.at(record) === key;
        return !found;
      });
      if (found) return row.track;
    }
    return null;
  }

  #endCluster(): void {
    this.#lose([...this.#told.values()], toMicros(this.now));
    for (const worker of this.workers.alive()) this.#removeWorker(worker, this.now);
    this.functions.clear(this.seq);
    this.totals = null;
    this.cost = null;
  }

  #tick(event: TickEvent, brief: FinishedBrief | null): void {
    this.#hear(event.time);
    const run = this.runs.last === undefined ? null : { ...this.runs.last };
    const { added = [], removed = [], samples } = event.workers ?? {};
    const gone = new Set(removed);
    for (const info of added) if (!gone.has(info.worker)) this.#addWorker(info);
    if (brief !== null) this.#finish(brief);
    if (event.running !== undefined) {
      const { reset, started, ended } = event.running;
      if (reset) this.#told.clear();
      for (const key of ended) this.#told.delete(key);
      for (const task of started) this.#begin(task);
    }
    for (const worker of removed) {
      this.#lose(
        [...this.#told.values()].filter((task) => task.worker === worker),
        toMicros(event.time),
      );
      this.#removeWorker(worker, event.time);
    }
    for (const info of added) if (gone.has(info.worker)) this.#addWorker(info);
    if (samples !== undefined) this.workers.sample(samples);
    const earliest = this.#earliest();
    if (earliest !== null) this.#executed(earliest, Math.max(earliest, toMicros(event.time)));
    if (this.runs.isNew(run)) this.functions.beginRun(this.seq);
    if (event.functions !== undefined) this.functions.apply(event.functions, this.seq);
    if (event.totals !== undefined) this.totals = event.totals;
    if (event.cost !== undefined) this.cost = event.cost;
    this.workers.expire(event.time);
    const sampled = this.#store === null || this.#isSampled(event.time);
    if (samples !== undefined && !sampled && this.#sampled.due(event.time)) {
      this.#sampled.sample(event.time, this.workers);
    }
  }

  #finish({ tasks, past, spans, ended }: FinishedBrief): void {
    for (const key of ended) this.#told.delete(key);
    this.#records += tasks;
    if (past) this.#past += tasks;
    for (const span of spans) this.#executed(span.start, span.stop, span.tasks, span.erred);
  }

  #begin({ key, fn, worker, start }: RunningTask): void {
    const micros = toMicros(start);
    const known = micros > 0 && Number.isSafeInteger(micros);
    // The last that was told comes last, as it would in a store.
    this.#told.delete(key);
    this.#told.set(key, { key, fn, worker, start: known ? micros : toMicros(this.now) });
  }

  #lose(tasks: readonly Told[], time: Micros): void {
    for (const { key, start } of tasks) {
      this.#told.delete(key);
      this.#executed(start, Math.max(start + 1, time));
      this.#records++;
      this.#lost++;
    }
  }

  #executed(start: Micros, stop: Micros, records = 0, erred = 0): void {
    this.runs.touch(start, stop, records, erred);
  }

  #earliest(): Micros | null {
    let earliest: Micros | null = null;
    for (const { start } of this.#told.values()) if (earliest === null || start < earliest) earliest = start;
    return earliest;
  }

  #addWorker(info: WorkerInfo): void {
    this.workers.add(info);
    // Nobody is going to look.
    if (this.#store !== null) this.tracks.addWorker(info, this.seq);
  }

  #removeWorker(worker: StringIndex, time: Seconds): void {
    this.workers.remove(worker, time);
    this.tracks.removeWorker(worker, this.seq);
  }

  #hear(time: Seconds): void {
    this.now = time;
    this.#pace.saw(time, this.records.witnessed);
  }

  /** The store has samples of that time and of the minutes before. */
  #isSampled(time: Seconds): boolean {
    const all = this.#store?.resources;
    if (all === undefined || all.columns.time.length === 0) return false;
    return all.taken === all.columns.time.length || all.columns.time.at(0) <= time - SAMPLES_SHOWN;
  }
}

/** Pages show so much of the samples. */
const SAMPLES_SHOWN: Seconds = 300;

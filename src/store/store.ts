import type { FollowView, GapView, LinkView } from '../model/batch.ts';
import type {
  AgentCost,
  ClusterEvent,
  ClusterTotals,
  GapEvent,
  LinkEvent,
  SourceEvent,
  SourceSink,
  StringTableName,
  TickEvent,
  WorkerInfo,
} from '../model/source-event.ts';
import { categoryOf } from '../model/task-state.ts';
import { type Micros, type Seconds, type Seq, type StringIndex, toMicros } from '../model/units.ts';
import { Records } from './columns/records.ts';
import { StringTable } from './columns/string-table.ts';
import { Arrivals } from './detail/arrivals.ts';
import { GroupSums } from './detail/group-sums.ts';
import { OpenSums } from './detail/open-sums.ts';
import { type SliceRow, Slices } from './detail/slices.ts';
import { Tracks } from './detail/tracks.ts';
import { FunctionTable } from './functions.ts';
import { ingestFinished, ingestLost, ingestRunning } from './ingest.ts';
import { Pace } from './pace.ts';
import { Pager } from './paging/pager.ts';
import type { StateReader, StateWriter } from './paging/state.ts';
import { Resources } from './resources.ts';
import { RunningTasks } from './running.ts';
import { Runs } from './runs.ts';
import { WorkerTable } from './workers.ts';

export interface StoreOptions {
  /** Tasks that a following stream shows. */
  readonly recentTasks?: number;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  /** Which pages of the history are in memory. Default: all of them. */
  readonly pager?: Pager;
  /** Rows are looked at each time that so many slices came: those to which nothing came since rest. */
  readonly lookEvery?: number;
}

const GAPS_KEPT = 1_000;
/** Groups that are known again by their names. */
const GROUPS_KNOWN = 524_288;

/** What the store itself knows. */
type Known = Pick<Store, 'seq' | 'now' | 'cluster' | 'link' | 'totals' | 'cost' | 'gaps'>;

/**
 * History: written by source events alone, read by cursors (live) and queries (API). Everything that one event changes
 * becomes visible together, under one `seq`.
 */
export class Store implements SourceSink {
  seq: Seq = 0;
  /** The scheduler's clock at the last tick. */
  now: Seconds = 0;
  cluster: ClusterEvent | null = null;
  link: LinkView = { state: 'connecting', since: 0, heard: 0, reason: '' };
  totals: ClusterTotals | null = null;
  cost: AgentCost | null = null;
  /** The latest ones, oldest first; another list whenever one comes. */
  gaps: readonly GapView[] = [];
  readonly strings: Readonly<Record<StringTableName, StringTable>>;
  readonly records: Records;
  readonly slices: Slices;
  /** Slices that came last. */
  readonly arrivals: Arrivals;
  /** What the tracks of a host did together. */
  readonly sums: GroupSums;
  /** What groups of tracks did, for the windows that are open. */
  readonly openSums = new OpenSums();
  readonly tracks: Tracks;
  readonly functions = new FunctionTable();
  readonly workers = new WorkerTable();
  readonly running = new RunningTasks();
  readonly runs = new Runs();
  readonly resources = new Resources();

  /** Which pages of the history are in memory. */
  readonly pager: Pager;
  readonly #recentTasks: number;
  readonly #monotonic: () => number;
  #heardAt = 0;
  readonly #pace = new Pace();
  readonly #listeners = new Set<(event: SourceEvent) => void>();

  constructor(options: StoreOptions) {
    this.#recentTasks = options.recentTasks ?? 1_000;
    this.#monotonic = options.monotonic;
    const pager = options.pager ?? new Pager();
    this.pager = pager;
    this.strings = {
      function: new StringTable(pager),
      // Nobody asks for a group by its name, so one may have two indices.
      group: new StringTable(pager, { known: GROUPS_KNOWN }),
      worker: new StringTable(pager),
      type: new StringTable(pager),
    };
    this.records = new Records((group) => this.strings.group.at(group), pager);
    this.tracks = new Tracks(pager);
    this.slices = new Slices((record) => this.records.fn.at(record), pager, options.lookEvery);
    this.arrivals = new Arrivals(this.records, this.slices);
    this.sums = new GroupSums(
      {
        hostOf: (track) => this.tracks.list[track]!.place.host,
        eachSlice: (track, fn, sink) =>
          this.slices.visit(track, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, (slice) => {
            const of = slice.record < this.records.length ? this.records.fn.at(slice.record) : fn;
            return sink(of, slice.category, slice.start, slice.stop);
          }),
      },
      pager,
    );
    pager.forgetOldest = () => this.#forgetOldest();
  }

  /** Called after each event, once it is fully applied. Returns an undo. */
  onChange(listener: (event: SourceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  intern(table: StringTableName, value: string): StringIndex {
    return this.strings[table].intern(value);
  }

  accept(event: SourceEvent): void {
    this.seq++;
    switch (event.kind) {
      case 'cluster':
        this.#acceptCluster(event);
        break;
      case 'link':
        this.#acceptLink(event);
        break;
      case 'gap':
        this.#acceptGap(event);
        break;
      case 'tick':
        this.#acceptTick(event);
        break;
    }
    for (const listener of this.#listeners) listener(event);
  }

  /** The scheduler's time right now, as far as we can tell; stands still while it is lost, and in a recording. */
  clock(): Seconds {
    if (
      this.now === 0 ||
      this.cluster?.engine === 'recording' ||
      this.link.state === 'lost' ||
      this.link.state === 'connecting'
    )
      return this.now;
    return this.now + (this.#monotonic() - this.#heardAt) / 1000;
  }

  /** Finished tasks per second over the last seconds. */
  rate(): number {
    return this.#pace.at(this.clock(), this.records.witnessed);
  }

  follow(): FollowView | null {
    const run = this.runs.last;
    if (run === undefined) return null;
    const { records } = this;
    let start: Micros = this.running.earliest() ?? run.stop;
    for (let record = Math.max(0, records.length - this.#recentTasks); record < records.length; record++) {
      start = Math.min(start, records.start.at(record));
    }
    const stop = this.running.size > 0 ? toMicros(this.clock()) : run.stop;
    return { start: Math.max(start, run.start), runStart: run.start, runStop: stop };
  }

  /** Puts down all that there is, between two events; the writer has more steps to do. Listeners are not part of it. */
  save(into: StateWriter): void {
    const { seq, now, cluster, link, totals, cost, gaps } = this;
    into.text(() => ({ seq, now, cluster, link, totals, cost, gaps }) satisfies Known);
    for (const table of Object.values(this.strings)) table.save(into);
    for (const part of this.#parts) part.save(into);
  }

  /** Takes up what another store put down. For one that knows nothing yet. */
  load(from: StateReader): void {
    const known = from.text<Known>();
    this.seq = known.seq;
    this.now = known.now;
    this.cluster = known.cluster;
    this.link = known.link;
    this.totals = known.totals;
    this.cost = known.cost;
    this.gaps = known.gaps;
    for (const table of Object.values(this.strings)) table.load(from);
    for (const part of this.#parts) part.load(from, this.seq);
    this.#heardAt = this.#monotonic();
  }

  get #parts() {
    const { records, slices, sums, tracks, functions, workers, running, runs, resources } = this;
    // Slices leave some of it for later: nothing may come behind them.
    return [records, tracks, functions, workers, running, runs, resources, this.#pace, sums, slices] as const;
  }

  /** What there is no room for: the oldest details, slices and records alike; sums last. False when there is nothing left. */
  #forgetOldest(): boolean {
    const { records, slices, sums } = this;
    const { all, dropped } = slices.pages;
    if (records.dropped * all < dropped * records.length && records.dropOldest()) return true;
    return slices.dropOldest() || records.dropOldest() || sums.drop() || slices.dropOldestSums();
  }

  #acceptCluster(event: ClusterEvent): void {
    if (this.cluster !== null && this.cluster.id !== event.id) this.#endCluster();
    this.cluster = event;
    this.runs.setCluster(event.id);
    this.#hear(event.time);
  }

  /** Another scheduler takes over: what ran is lost, its workers are gone, its counts are void. History stays. */
  #endCluster(): void {
    ingestLost(this, this.running.endAll(this.seq), toMicros(this.now));
    for (const worker of this.workers.alive()) this.#removeWorker(worker, this.now);
    this.functions.clear(this.seq);
    this.totals = null;
    this.cost = null;
  }

  #acceptGap({ since, until, size, reason }: GapEvent): void {
    this.gaps = [...this.gaps.slice(1 - GAPS_KEPT), { since, until, size, reason }];
  }

  #acceptLink(event: LinkEvent): void {
    const stands = event.state === 'lost' || event.state === 'connecting';
    const ran = this.link.state === 'connected' || this.link.state === 'stalled';
    if (stands && ran) this.now = this.clock();
    if (!stands) this.#heardAt = this.#monotonic();
    this.link = {
      state: event.state,
      since: event.time,
      heard: stands && this.link.heard > 0 ? this.link.heard : event.time,
      reason: event.reason,
    };
  }

  #acceptTick(event: TickEvent): void {
    this.#hear(event.time);
    const run = this.runs.last === undefined ? null : { ...this.runs.last };
    const { added = [], removed = [], samples } = event.workers ?? {};
    const gone = new Set(removed);
    // Workers first: what they finished belongs on their rows.
    for (const info of added) if (!gone.has(info.worker)) this.#addWorker(info);
    if (event.finished !== undefined) ingestFinished(this, event.finished);
    if (event.running !== undefined) ingestRunning(this, event.running);
    for (const worker of removed) {
      ingestLost(this, this.running.endAll(this.seq, worker), toMicros(event.time));
      this.#removeWorker(worker, event.time);
    }
    // One that is both went and came back to its address between two ticks.
    for (const info of added) if (gone.has(info.worker)) this.#addWorker(info);
    if (samples !== undefined) this.workers.sample(samples);
    const earliest = this.running.earliest();
    if (earliest !== null) this.executed(earliest, Math.max(earliest, toMicros(event.time)));
    // A new run starts the counts of released tasks anew.
    if (this.runs.isNew(run)) this.functions.beginRun(this.seq);
    if (event.functions !== undefined) this.functions.apply(event.functions, this.seq);
    if (event.totals !== undefined) this.totals = event.totals;
    if (event.cost !== undefined) this.cost = event.cost;
    this.workers.expire(event.time);
    if (samples !== undefined && this.resources.due(event.time)) {
      this.resources.sample(event.time, this.workers);
    }
  }

  /** A slice of a record that is about to be there, or is. */
  addSlice(row: SliceRow): void {
    const category = categoryOf(row.action, row.status, row.fn);
    this.slices.push(row);
    this.arrivals.note(row, category);
    this.sums.push(row.track, row.fn, category, row.start, row.stop);
  }

  /** Something executed. */
  executed(start: Micros, stop: Micros, records = 0, erred = 0): void {
    this.runs.touch(start, stop, records, erred);
  }

  #addWorker(info: WorkerInfo): void {
    this.workers.add(info);
    this.tracks.addWorker(info.worker, info, this.seq);
  }

  #removeWorker(worker: StringIndex, time: Seconds): void {
    this.workers.remove(worker, time);
    this.tracks.removeWorker(worker, this.seq);
  }

  #hear(time: Seconds): void {
    this.now = time;
    this.#heardAt = this.#monotonic();
    this.link = { ...this.link, heard: time };
    this.#pace.saw(time, this.records.witnessed);
  }
}

import type { FollowView, GapView, LinkView } from '../model/batch.ts';
import type {
  AgentCost,
  ClusterEvent,
  ClusterTotals,
  LinkEvent,
  LogEntry,
  SourceEvent,
  SourceSink,
  StringTableName,
  TickEvent,
  WorkersChange,
} from '../model/source-event.ts';
import { type Micros, type Seconds, type Seq, type StringIndex, toMicros } from '../model/units.ts';
import { FunctionTable } from './functions.ts';
import { ingestFinished, ingestLost, ingestRunning } from './ingest.ts';
import { Records } from './records.ts';
import { Resources } from './resources.ts';
import { RunningTasks } from './running.ts';
import { Runs } from './runs.ts';
import { Slices } from './slices.ts';
import { StringTable } from './string-table.ts';
import { Tracks } from './tracks.ts';
import { WorkerTable } from './workers.ts';

export interface StoreOptions {
  /** Tasks that a following stream shows. */
  readonly recentTasks?: number;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
}

/** Finished tasks per second are averaged over this long. */
const RATE_OVER: Seconds = 3;
const LOG_KEPT = 1_000;
const GAPS_KEPT = 1_000;

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
  readonly gaps: GapView[] = [];
  readonly log: LogEntry[] = [];
  readonly strings: Readonly<Record<StringTableName, StringTable>> = {
    function: new StringTable(),
    group: new StringTable(),
    worker: new StringTable(),
    type: new StringTable(),
  };
  readonly records = new Records();
  readonly slices = new Slices();
  readonly tracks = new Tracks();
  readonly functions = new FunctionTable();
  readonly workers = new WorkerTable();
  readonly running = new RunningTasks();
  readonly runs = new Runs();
  readonly resources = new Resources();

  readonly #recentTasks: number;
  readonly #monotonic: () => number;
  #heardAt = 0;
  /** (time, records finished by then), for the rate. */
  #pace: { time: Seconds; finished: number }[] = [];
  readonly #listeners = new Set<(event: SourceEvent) => void>();

  constructor(options: StoreOptions) {
    this.#recentTasks = options.recentTasks ?? 1_000;
    this.#monotonic = options.monotonic;
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
        this.gaps.push({ since: event.since, until: event.until, size: event.size, reason: event.reason });
        if (this.gaps.length > GAPS_KEPT) this.gaps.shift();
        break;
      case 'tick':
        this.#acceptTick(event);
        break;
    }
    for (const listener of this.#listeners) listener(event);
  }

  /** The scheduler's time right now, as far as we can tell; stands still while it is lost. */
  clock(): Seconds {
    if (this.now === 0 || this.link.state === 'lost' || this.link.state === 'connecting') return this.now;
    return this.now + (this.#monotonic() - this.#heardAt) / 1000;
  }

  /** Finished tasks per second over the last seconds. */
  rate(): number {
    const now = this.clock();
    while (this.#pace.length > 1 && now - this.#pace[1]!.time >= RATE_OVER) this.#pace.shift();
    const oldest = this.#pace[0];
    if (oldest === undefined) return 0;
    const passed = Math.max(RATE_OVER, now - oldest.time);
    return (this.records.witnessed - oldest.finished) / passed;
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

  #acceptCluster(event: ClusterEvent): void {
    const known = this.cluster;
    this.cluster = event;
    this.runs.setCluster(event.id);
    if (known === null) this.#hear(event.time);
    else if (known.id !== event.id) this.#replaceCluster(event);
  }

  /** Another scheduler took over: what ran is lost, its workers are gone, its counts are void. History stays. */
  #replaceCluster(event: ClusterEvent): void {
    ingestLost(this, this.running.endAll(this.seq), toMicros(this.now));
    for (const worker of this.workers.alive()) {
      this.workers.remove(worker, this.now);
      this.tracks.removeWorker(worker, this.seq);
    }
    this.functions.clear(this.seq);
    this.totals = null;
    this.#hear(event.time);
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
    // Workers first: what they finished belongs on their rows.
    if (event.workers?.added !== undefined) this.#addWorkers(event.workers);
    if (event.finished !== undefined) ingestFinished(this, event.finished);
    if (event.running !== undefined) ingestRunning(this, event.running);
    if (event.workers !== undefined) this.#changeWorkers(event.workers, event.time);
    const earliest = this.running.earliest();
    if (earliest !== null) this.executed(earliest, Math.max(earliest, toMicros(event.time)));
    if (event.functions !== undefined) {
      const { fn, states, forgotten, nbytes } = event.functions;
      for (let i = 0; i < fn.length; i++) {
        this.functions.set(fn[i]!, states, (i * states.length) / fn.length, forgotten[i]!, nbytes[i]!, this.seq);
      }
    }
    if (event.totals !== undefined) this.totals = event.totals;
    if (event.cost !== undefined) this.cost = event.cost;
    if (event.log !== undefined) {
      this.log.push(...event.log);
      if (this.log.length > LOG_KEPT) this.log.splice(0, this.log.length - LOG_KEPT);
    }
    this.workers.expire(event.time);
    if (event.workers?.samples !== undefined && this.resources.due(event.time)) {
      this.resources.sample(event.time, this.workers.views());
    }
  }

  /** Something executed: a new run that this begins starts the counts of released tasks anew. */
  executed(start: Micros, stop: Micros, records = 0, erred = 0): void {
    if (this.runs.touch(start, stop, records, erred)) this.functions.beginRun(this.seq);
  }

  #addWorkers(change: WorkersChange): void {
    for (const info of change.added ?? []) {
      this.workers.add(info);
      this.tracks.addWorker(info.worker, info, this.seq);
    }
  }

  #changeWorkers(change: WorkersChange, time: Seconds): void {
    for (const worker of change.removed ?? []) {
      ingestLost(this, this.running.endAll(this.seq, worker), toMicros(time));
      this.workers.remove(worker, time);
      this.tracks.removeWorker(worker, this.seq);
    }
    this.workers.sample(change);
  }

  #hear(time: Seconds): void {
    this.now = time;
    this.#heardAt = this.#monotonic();
    this.link = { ...this.link, heard: time };
    const finished = this.records.witnessed;
    const last = this.#pace[this.#pace.length - 1];
    if (last === undefined || last.finished !== finished || time - last.time > RATE_OVER) {
      this.#pace.push({ time, finished });
    }
  }
}

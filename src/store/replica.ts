import { Growable } from '../base/growable.ts';
import {
  type ClusterView,
  type FollowView,
  type GapView,
  type LinkView,
  NOTHING_RUNS,
  type PlayheadView,
  RESOURCE_COLUMNS,
  type ResourceColumn,
  type ResourcesBatch,
  type RunningBatch,
  type RunView,
  type StateBatch,
  type TotalsView,
  type TrackView,
  type WindowBatch,
  type WorkersBatch,
  type WorkerView,
} from '../model/batch.ts';
import type { AgentCost } from '../model/source-event.ts';
import { SCHEDULER_STATES, STATE_COUNT, STATE_INDEX } from '../model/task-state.ts';
import type { Seconds, Seq } from '../model/units.ts';
import { WindowData } from './detail/window-data.ts';

/** Counts of one function, by index into SCHEDULER_STATES. */
export interface FunctionRow {
  readonly fn: number;
  readonly name: string;
  readonly states: readonly number[];
  readonly total: number;
  readonly nbytes: number;
}

export interface RunningView {
  readonly fn: number;
  /** Whole microseconds. */
  readonly start: number;
  readonly key: string;
}

/** What a replica tells its listeners, and the parts of a wire message that it takes. */
export type ReplicaPart =
  | { readonly kind: 'state'; readonly batch: StateBatch }
  | { readonly kind: 'running'; readonly batch: RunningBatch }
  | { readonly kind: 'workers'; readonly batch: WorkersBatch }
  | { readonly kind: 'resources'; readonly batch: ResourcesBatch }
  | { readonly kind: 'window'; readonly id: number; readonly batch: WindowBatch };
export type ReplicaTopic = ReplicaPart['kind'];

const SAMPLES_KEPT = 3_600;
const NEVER: LinkView = { state: 'connecting', since: 0, heard: 0, reason: '' };

/** The server's state as a page knows it: written by batches alone, read by panels. Plain data; reactivity lies around it. */
export class Replica {
  seq: Seq = 0;
  cluster: ClusterView | null = null;
  link: LinkView = NEVER;
  names: string[] = [];
  tracks: TrackView[] = [];
  /** Tasks that the scheduler has given to workers, all functions together. */
  processing = 0;
  /** +1 whenever a track came or changed. */
  tracksVersion = 0;
  runs: readonly RunView[] = [];
  gaps: readonly GapView[] = [];
  totals: TotalsView | null = null;
  cost: AgentCost | null = null;
  follow: FollowView | null = null;
  /** Everything here is of another time than now. */
  playhead: PlayheadView | null = null;
  /** By track. */
  readonly running = new Map<number, RunningView>();
  workers: readonly WorkerView[] = [];
  readonly resources: Readonly<Record<ResourceColumn, Growable<Float64Array>>>;
  readonly windows = new Map<number, WindowData>();

  #counts: number[][] = [];
  #nbytes: number[] = [];
  #clockBase: Seconds = 0;
  #clockAt = 0;
  #lastClock: Seconds = 0;
  readonly #monotonic: () => number;
  readonly #listeners = new Map<ReplicaTopic, Set<(id?: number) => void>>();

  /** `monotonic` gives milliseconds that never go back (performance.now in a page). */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.resources = emptyResources();
  }

  /**
   * The scheduler's time right now: what the last batch said plus what has passed since. Never goes back, and stands
   * still while the scheduler is lost: a page keeps what it showed. 0 before anything is known.
   */
  clock(): Seconds {
    if (this.#clockBase === 0) return 0;
    if (this.link.state === 'lost' || this.link.state === 'connecting') return this.#lastClock;
    const now = this.#clockBase + ((this.#monotonic() - this.#clockAt) / 1000) * this.#rate;
    if (now > this.#lastClock) this.#lastClock = now;
    return this.#lastClock;
  }

  /** How fast the clock goes: in a recording it stands still but for its playhead. */
  get #rate(): number {
    return this.playhead?.speed ?? (this.cluster?.engine === 'recording' ? 0 : 1);
  }

  /** All runs that there are: those after a playhead too. */
  get allRuns(): readonly RunView[] {
    return this.playhead?.runs ?? this.runs;
  }

  get functionCount(): number {
    return this.names.length;
  }

  functionRow(fn: number): FunctionRow {
    const states = this.#counts[fn] ?? NO_COUNTS;
    let total = 0;
    for (const n of states) total += n;
    return { fn, name: this.names[fn] ?? '', states, total, nbytes: this.#nbytes[fn] ?? 0 };
  }

  /** Sum over functions, by index into SCHEDULER_STATES. */
  stateTotals(): number[] {
    const sums = new Array<number>(STATE_COUNT).fill(0);
    for (const states of this.#counts) if (states) for (let i = 0; i < STATE_COUNT; i++) sums[i]! += states[i]!;
    return sums;
  }

  /** The window of this id, made when it is not there yet. */
  window(id: number): WindowData {
    let data = this.windows.get(id);
    if (data === undefined) {
      data = new WindowData();
      this.windows.set(id, data);
    }
    return data;
  }

  /** Returns an undo. `window` listeners get the window's id. */
  on(topic: ReplicaTopic, listener: (id?: number) => void): () => void {
    const set = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  /** Takes what the wire brought; kinds that are not state (hello, pong, error) are none of its business. */
  apply(part: ReplicaPart | { readonly kind: string }): void {
    const message = part as ReplicaPart;
    switch (message.kind) {
      case 'state':
        this.#applyState(message.batch);
        break;
      case 'running':
        this.#applyRunning(message.batch);
        break;
      case 'workers':
        this.workers = message.batch.workers;
        this.#setClock(message.batch.now);
        break;
      case 'resources':
        this.#applyResources(message.batch);
        break;
      case 'window':
        this.windows.get(message.id)?.apply(message.batch);
        this.#setClock(message.batch.now);
        this.#tell('window', message.id);
        return;
      default:
        return;
    }
    this.#tell(message.kind);
  }

  #applyState(batch: StateBatch): void {
    if (batch.reset) {
      this.names = [];
      this.tracks = [];
      this.#counts = [];
      this.#nbytes = [];
      this.processing = 0;
      this.runs = [];
      this.gaps = [];
      this.cost = null;
      this.follow = null;
      this.playhead = null;
      this.#clockBase = 0;
      this.#lastClock = 0;
    }
    this.seq = batch.seq;
    this.#setClock(batch.now);
    if (batch.cluster !== undefined) this.cluster = batch.cluster;
    if (batch.link !== undefined) this.link = batch.link;
    if (batch.names !== undefined) {
      const { first, values } = batch.names;
      for (let i = 0; i < values.length; i++) this.names[first + i] = values[i]!;
    }
    if (batch.counts !== undefined) {
      const { fn, states, nbytes } = batch.counts;
      for (let i = 0; i < fn.length; i++) {
        const before = this.#counts[fn[i]!] ?? NO_COUNTS;
        this.processing += states[i * STATE_COUNT + STATE_INDEX.processing]! - before[STATE_INDEX.processing]!;
        this.#counts[fn[i]!] = Array.from(states.subarray(i * STATE_COUNT, (i + 1) * STATE_COUNT));
        this.#nbytes[fn[i]!] = nbytes[i]!;
      }
    }
    for (const track of batch.tracks ?? []) this.tracks[track.track] = track;
    if (batch.reset || batch.tracks !== undefined) this.tracksVersion++;
    if (batch.runs !== undefined) this.runs = batch.runs;
    if (batch.gaps !== undefined) this.gaps = batch.gaps;
    if (batch.totals !== undefined) this.totals = batch.totals;
    if (batch.cost !== undefined) this.cost = batch.cost;
    if (batch.follow !== undefined) this.follow = batch.follow;
    if (batch.playhead !== undefined) {
      this.playhead = batch.playhead;
      this.#clockBase = this.#lastClock = batch.now;
      this.#clockAt = this.#monotonic();
    }
  }

  #applyRunning(batch: RunningBatch): void {
    if (batch.reset) this.running.clear();
    for (let i = 0; i < batch.track.length; i++) {
      const track = batch.track[i]!;
      const fn = batch.fn[i]!;
      if (fn === NOTHING_RUNS) this.running.delete(track);
      else this.running.set(track, { fn, start: batch.start[i]!, key: batch.keys[i] ?? '' });
    }
    this.#setClock(batch.now);
  }

  #applyResources(batch: ResourcesBatch): void {
    const { samples } = batch;
    RESOURCE_COLUMNS.forEach((name, at) => {
      const column = this.resources[name];
      if (batch.reset) column.truncate(0);
      for (let i = at; i < samples.length; i += RESOURCE_COLUMNS.length) column.push(samples[i]!);
      if (column.length > SAMPLES_KEPT * 2) column.dropFirst(column.length - SAMPLES_KEPT);
    });
    this.#setClock(batch.now);
  }

  /** A batch that took long on its way must not set the clock back: the later of both readings holds. */
  #setClock(now: Seconds): void {
    if (!(now > 0)) return;
    const at = this.#monotonic();
    const rate = this.#rate;
    const expected = this.#clockBase + ((at - this.#clockAt) / 1000) * rate;
    const much = Math.max(1, rate);
    // Small differences are the way's jitter; a large one means that the scheduler stood still, or another one took over.
    if (this.#clockBase === 0 || now > expected || expected - now > much) {
      this.#clockBase = now;
      this.#clockAt = at;
      // While it stands still so does the clock, where it had got to: a stream that follows would leap back and forth with every pause.
      if (this.#lastClock - now > much * CLOCK_STEP) this.#lastClock = now;
    }
    if (this.#lastClock === 0) this.#lastClock = now;
  }

  #tell(topic: ReplicaTopic, id?: number): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener(id);
  }
}

/** A clock that is found so many times as far behind as a pause explains was stepped: the new time is followed. */
const CLOCK_STEP = 5;

const NO_COUNTS: readonly number[] = SCHEDULER_STATES.map(() => 0);

function emptyResources(): Record<ResourceColumn, Growable<Float64Array>> {
  return Object.fromEntries(RESOURCE_COLUMNS.map((name) => [name, new Growable(Float64Array)])) as Record<
    ResourceColumn,
    Growable<Float64Array>
  >;
}

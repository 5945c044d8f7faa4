import { setImmediate as nextTurn } from 'node:timers/promises';
import { briefOf, type FinishedBrief } from '../../model/finished-brief.ts';
import type { KnownBefore } from '../../model/known-before.ts';
import type { ClusterEvent, SourceEvent } from '../../model/source-event.ts';
import { type Seconds, type StringIndex, toMicros } from '../../model/units.ts';
import type { State } from '../../recording/files/event-decoder.ts';
import type { Told } from '../../recording/files/tape.ts';
import { unknownYet } from '../../recording/replay.ts';
import { MomentStore } from '../../store/moment/moment-store.ts';
import type { Store } from '../../store/store.ts';
import type { Chain, ChainSegment, Reel } from './chain.ts';

/** Others have their turn after so long. */
const TURN_MS = 8;

/** What recorders before the present one knew, for a file whose head speaks of its own recorder alone. */
interface Carried {
  readonly before: KnownBefore;
  readonly forgotten: ReadonlyMap<StringIndex, number>;
  readonly until: Seconds;
  /** Tasks that the present recorder told once more. */
  readonly twice: number;
}

/**
 * A place in a recorded history, and what was true there. Going on from it costs what happened in between; going elsewhere costs at
 * most one segment, whose head says what was known when it began.
 */
export class Moment {
  readonly #store: Store;
  readonly #chain: Chain;
  #shown: MomentStore;
  #segment: ChainSegment | null = null;
  #reel: Reel | null = null;
  /** Pieces of it that were taken. */
  #taken = 0;
  /** Taken and not reached yet. */
  #ahead: Told[] = [];
  /** Time of the last event that took effect. */
  #reached: Seconds = Number.NEGATIVE_INFINITY;
  /** Of recorders before this one: their counts begin anew with each. */
  #forgotten: ReadonlyMap<StringIndex, number> = new Map();
  #joins = false;
  #joinedAt: Omit<Carried, 'twice'> | null = null;
  /** Until when tasks are known that another recorder found in the scheduler's buffer, and how many of them. */
  #knownUntil: Seconds = 0;
  #known = 0;

  /** `store` holds the history of the chain. */
  constructor(store: Store, chain: Chain) {
    this.#store = store;
    this.#chain = chain;
    this.#shown = new MomentStore(store);
  }

  /** Another one after a {@link seek} that could not go on from the last one. */
  get shown(): MomentStore {
    return this.#shown;
  }

  /** Goes to a time; the first or the last that is known where it lies outside. False: the signal was given. */
  async seek(time: Seconds, signal?: AbortSignal): Promise<boolean> {
    const segments = await this.#chain.segments();
    let index = segments.findLastIndex((segment) => segment.time <= time);
    if (index < 0) index = segments.length > 0 ? 0 : -1;
    const target = segments[index];
    if (target !== undefined) {
      if (!this.#reaches(segments, index, time)) await this.#begin(segments, index);
      if (!(await this.#advance(segments, index, time, signal))) return false;
    }
    this.#shown.moment = time;
    this.#shown.settle();
    return true;
  }

  /** Whether going on from here leads there without leaving anything out. */
  #reaches(segments: readonly ChainSegment[], index: number, time: Seconds): boolean {
    if (time < this.#reached) return false;
    const at = this.#indexOf(segments);
    return at >= 0 && (at === index || (at + 1 === index && isNext(segments[at]!, segments[index]!)));
  }

  #indexOf(segments: readonly ChainSegment[]): number {
    const now = this.#segment;
    return segments.findIndex((segment) => segment.number === now?.number && segment.directory === now.directory);
  }

  async #begin(segments: readonly ChainSegment[], index: number): Promise<void> {
    const { seq } = this.#shown;
    this.#shown = new MomentStore(this.#store);
    this.#shown.seq = seq;
    this.#forgotten = new Map();
    this.#knownUntil = 0;
    this.#known = 0;
    this.#ahead = [];
    this.#reached = Number.NEGATIVE_INFINITY;
    const first = segments[index]!;
    // Who begins with nothing known goes on from the end of whoever recorded before.
    const from = first.session && index > 0 ? index - 1 : index;
    const session = segments.findLastIndex((segment, i) => i <= from && segment.session);
    this.#open(segments[from]!);
    let carried: Carried | null = null;
    if (session > 0 && from > session) {
      const earlier = new Moment(this.#store, this.#chain);
      await earlier.#begin(segments, session);
      // To the end of its first file: what this recorder counted a second time, it did at its beginning.
      await earlier.#advance(segments, session, segments[session + 1]!.time);
      carried = earlier.#joinedAt === null ? null : { ...earlier.#joinedAt, twice: earlier.#known };
    }
    const head = await this.#head();
    if (head !== null) this.#restore(head, carried);
  }

  /** The state that a segment begins with. */
  async #head(): Promise<State | null> {
    while (this.#ahead.length === 0 || !this.#ahead.some(({ kind }) => kind === 'state')) {
      const told = await this.#take();
      if (told === null) return null;
      this.#ahead.push(...told);
    }
    const at = this.#ahead.findIndex(({ kind }) => kind === 'state');
    const [head] = this.#ahead.splice(at, 1);
    return head?.kind === 'state' ? head.state : null;
  }

  #restore({ session, events, before }: State, carried: Carried | null): void {
    if (session) return;
    this.#forgotten = carried?.forgotten ?? new Map();
    const joined = events.map((event) => this.#joined(event));
    this.#shown.restore(joined, carried === null ? before : sum(carried, before));
    for (const event of events) if (event.kind === 'tick') this.#reached = event.time;
  }

  #open(segment: ChainSegment): void {
    this.#segment = segment;
    this.#reel = this.#chain.reel(segment, (table, value) => this.#store.intern(table, value));
    this.#taken = 0;
  }

  async #take(): Promise<readonly Told[] | null> {
    const piece = await this.#reel!.piece(this.#taken);
    if (piece !== null) this.#taken++;
    return piece;
  }

  /** Up to `time`, which lies in the segment of that index, this one or the next. */
  async #advance(
    segments: readonly ChainSegment[],
    index: number,
    time: Seconds,
    signal?: AbortSignal,
  ): Promise<boolean> {
    let turn = performance.now();
    for (;;) {
      const { length } = this.#ahead;
      let done = 0;
      while (done < length && this.#apply(this.#ahead[done]!, time)) done++;
      this.#ahead = this.#ahead.slice(done);
      if (this.#ahead.length > 0) return true;
      if (signal?.aborted === true) return false;
      const told = await this.#take();
      if (told !== null) this.#ahead = [...told];
      else {
        const at = this.#indexOf(segments);
        if (at < 0 || at >= index) return true;
        this.#open(segments[at + 1]!);
        this.#joins = segments[at + 1]!.session;
      }
      if (performance.now() - turn < TURN_MS) continue;
      await nextTurn();
      turn = performance.now();
    }
  }

  /** False: it happened later. */
  #apply(told: Told, time: Seconds): boolean {
    // What was known when this file began was told by the one before.
    if (told.kind === 'state') return true;
    const { event } = told;
    if (event.kind === 'tick' || event.kind === 'cluster') {
      if (event.time > time) return false;
      this.#reached = Math.max(this.#reached, event.time);
    }
    if (event.kind === 'cluster') this.#cluster(event);
    else this.#accept(event, this.#unknown(told));
    return true;
  }

  /** Without what was recorded before. */
  #unknown({ event, brief, past }: Extract<Told, { kind: 'event' }>): FinishedBrief | null {
    if (past === undefined || event.kind !== 'tick' || this.#knownUntil === 0) return brief;
    const unknown = briefOf({ ...unknownYet(past, this.#knownUntil), past: true }, event.time);
    this.#known += past.length - unknown.tasks;
    return unknown;
  }

  #cluster(event: ClusterEvent): void {
    const shown = this.#shown;
    const crosses = this.#joins;
    const joins = crosses && shown.cluster?.id === event.id;
    const since = shown.now;
    this.#joins = false;
    if (shown.cluster !== null && shown.cluster.id !== event.id) this.#forgotten = new Map();
    this.#accept(event, null);
    if (joins) {
      // Another recorder goes on: it counts anew, and what runs it will say.
      this.#knownUntil = since;
      const { functions, workers } = shown;
      this.#forgotten = new Map(Array.from({ length: functions.length }, (_, fn) => [fn, functions.forgotten(fn)]));
      const running = { reset: true, started: [], ended: [] };
      shown.accept({ kind: 'tick', time: since, running, workers: { removed: workers.alive() } });
    }
    if (crosses) this.#joinedAt = { before: shown.before(), forgotten: this.#forgotten, until: this.#knownUntil };
  }

  #accept(event: SourceEvent, brief: FinishedBrief | null): void {
    this.#shown.accept(this.#joined(event), brief);
  }

  #joined(event: SourceEvent): SourceEvent {
    // A recording that is shown says so, whoever made it.
    if (event.kind === 'cluster' && this.#store.cluster?.engine === 'recording') {
      return { ...event, engine: 'recording', mode: 'recording' };
    }
    if (event.kind !== 'tick' || event.functions === undefined || this.#forgotten.size === 0) return event;
    const { fn, forgotten } = event.functions;
    const joined = forgotten.map((n, i) => n + (this.#forgotten.get(fn[i]!) ?? 0));
    return { ...event, functions: { ...event.functions, forgotten: joined } };
  }
}

function isNext(a: ChainSegment, b: ChainSegment): boolean {
  return b.session || (a.directory === b.directory && a.number + 1 === b.number);
}

function sum({ before: earlier, forgotten, until, twice }: Carried, before: KnownBefore | undefined): KnownBefore {
  if (before === undefined) return earlier;
  return {
    ...before,
    records: earlier.records + before.records - twice,
    lost: earlier.lost + before.lost,
    past: earlier.past + before.past - twice,
    runs: [...earlier.runs, ...before.runs.filter((run) => run.stop > toMicros(until))],
    baseline: [
      ...new Map([...forgotten, ...before.baseline.map(([fn, n]) => [fn, n + (forgotten.get(fn) ?? 0)] as const)]),
    ],
    pace: [
      ...earlier.pace,
      ...before.pace.map(([time, tasks]) => [time, tasks + earlier.records - earlier.lost - earlier.past] as const),
    ],
  };
}

import { TaskglassError } from '../../base/errors.ts';
import type { PlayheadView, StateBatch } from '../../model/batch.ts';
import type { Seconds } from '../../model/units.ts';
import {
  type ClusterOptions,
  ResourcesCursor,
  RUNS_SENT,
  RunningCursor,
  runView,
  type Shown,
  StateCursor,
  workersBatch,
} from '../../store/queries/cursors.ts';
import type { ServerMessage, Topic } from '../../wire/message.ts';
import type { Moment } from './moment.ts';
import type { Moments } from './moments.ts';

/** While history plays it is told this often; while it stands still, how far it has grown meanwhile. */
const PLAY_MS = 100;
const STAND_MS = 1_000;
const WORKERS_MS = 500;
/** A page shows the last minutes before the playhead. */
const SAMPLES = 720;

/** What a feed needs of its session. */
export interface FeedHost {
  readonly moments: Moments;
  readonly view: ClusterOptions;
  readonly topics: ReadonlySet<Topic | 'state'>;
  isClogged(): boolean;
  send(message: ServerMessage): void;
  /** The playhead has come to the present of what goes on. */
  arrived(): void;
  failed(error: TaskglassError): void;
}

interface Wanted {
  readonly time: Seconds;
  readonly speed: number;
}

/** Tells one viewer what was true where its playhead stands, and plays on from there. The latest wish counts. */
export class MomentFeed {
  readonly #host: FeedHost;
  readonly #moment: Moment;
  #wanted: Wanted | null = null;
  #seeking: AbortController | null = null;
  #working = false;
  #timer: NodeJS.Timeout | null = null;
  /** Where the playhead was when, and how fast it moves. */
  #from: Seconds = 0;
  #since = 0;
  #speed = 0;
  #shown: Shown | null = null;
  #cursors: { state: StateCursor; running: RunningCursor; resources: ResourcesCursor } | null = null;
  #workersAt = Number.NEGATIVE_INFINITY;
  #untilSaid: Seconds = 0;
  #closed = false;

  /** @throws NOT_RECORDED, MOMENTS_FULL */
  constructor(host: FeedHost) {
    this.#host = host;
    this.#moment = host.moments.open();
  }

  /** The scheduler's clock, for this viewer. */
  get now(): Seconds {
    return this.#moment.shown.clock();
  }

  set(time: Seconds, speed: number): void {
    this.#wanted = { time, speed };
    this.#seeking?.abort();
    void this.#work();
  }

  /** A topic was asked for: it begins anew. */
  subscribed(): void {
    this.#cursors = null;
    this.#tell(true);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#seeking?.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#host.moments.release();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      while (!this.#closed) {
        const wanted = this.#wanted;
        this.#wanted = null;
        const { since, until } = this.#span();
        let time = Math.min(until, this.#from + ((performance.now() - this.#since) / 1000) * this.#speed);
        if (wanted !== null) time = Math.min(until, Math.max(since, wanted.time));
        this.#seeking = new AbortController();
        // Another wish came meanwhile: this one is not shown.
        if (!(await this.#moment.seek(time, this.#seeking.signal)) || this.#closed) continue;
        if (wanted !== null) this.#play(time, wanted.speed);
        const ends = this.#speed > 0 && time >= until;
        if (ends) this.#play(time, 0);
        this.#tell(wanted !== null || ends);
        if (ends && this.#host.moments.store.cluster?.engine !== 'recording') this.#host.arrived();
        if (this.#wanted === null) break;
      }
    } catch (error) {
      if (!this.#closed) {
        const detail = error instanceof Error ? error.message : String(error);
        this.#host.failed(error instanceof TaskglassError ? error : new TaskglassError('INTERNAL', detail));
      }
    } finally {
      this.#working = false;
    }
    this.#next();
  }

  #play(time: Seconds, speed: number): void {
    this.#from = time;
    this.#since = performance.now();
    this.#speed = speed;
    this.#cursors = null;
  }

  #next(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const plays = this.#speed > 0;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        if (this.#speed > 0) void this.#work();
        else {
          // What goes on has more of a past each second.
          if (this.#span().until !== this.#untilSaid || this.#cursors === null) this.#tell(true);
          this.#next();
        }
      },
      plays ? PLAY_MS : STAND_MS,
    );
  }

  /** `says`: the playhead itself too. */
  #tell(says: boolean): void {
    const host = this.#host;
    const { shown } = this.#moment;
    if (this.#shown !== shown) this.#cursors = null;
    this.#shown = shown;
    if (this.#closed || shown.moment === null) return;
    if (host.isClogged()) {
      // All of it, once there is room.
      this.#cursors = null;
      return;
    }
    const anew = this.#cursors === null;
    this.#cursors ??= {
      state: new StateCursor(shown, host.view),
      running: new RunningCursor(shown),
      resources: new ResourcesCursor(shown, SAMPLES),
    };
    const { state, running, resources } = this.#cursors;
    const changed: StateBatch = state.next() ?? { seq: shown.seq, now: shown.clock(), reset: false };
    host.send({ kind: 'state', batch: says || anew ? { ...changed, playhead: this.#view() } : changed });
    const next = host.topics.has('running') ? running.next() : null;
    if (next !== null) host.send({ kind: 'running', batch: next });
    const samples = host.topics.has('resources') ? resources.next() : null;
    if (samples !== null) host.send({ kind: 'resources', batch: samples });
    const now = performance.now();
    if (host.topics.has('workers') && (anew || now - this.#workersAt >= WORKERS_MS)) {
      this.#workersAt = now;
      host.send({ kind: 'workers', batch: workersBatch(shown) });
    }
  }

  #view(): PlayheadView {
    const { since, until } = this.#span();
    this.#untilSaid = until;
    const runs = this.#host.moments.store.runs.list.slice(-RUNS_SENT).map(runView);
    return { time: this.now, speed: this.#speed, since, until, runs };
  }

  /** Of the history that there is by now. */
  #span(): { readonly since: Seconds; readonly until: Seconds } {
    const { store } = this.#host.moments;
    const until = store.clock();
    const first = store.runs.list.at(0);
    return { since: Math.min(until, first === undefined ? (store.cluster?.time ?? until) : first.start / 1e6), until };
  }
}

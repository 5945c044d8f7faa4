import type { Socket } from 'node:net';
import type { WebSocket } from '@fastify/websocket';
import type { RecordingView } from '../../model/batch.ts';
import type { SourceEvent } from '../../model/source-event.ts';
import {
  ResourcesCursor,
  RunningCursor,
  resourcesSnapshot,
  runningSnapshot,
  StateCursor,
  stateSnapshot,
  workersBatch,
} from '../../store/queries/cursors.ts';
import type { Store } from '../../store/store.ts';
import { encode } from '../../wire/encode.ts';
import type { ServerMessage } from '../../wire/message.ts';
import type { Moments } from '../moments/moments.ts';
import { Session, type SessionHost, type SessionLimits, type Stream } from './session.ts';

export interface PublisherLimits extends SessionLimits {
  readonly viewers: number;
}

const LIMITS: PublisherLimits = { viewers: 256, bufferedBytes: 1_048_576, clogMs: 30_000 };

export interface PublisherOptions {
  readonly version: string;
  /** Pages may run the example. */
  readonly example: boolean;
  /** Whether what is watched is written down. Default: not. */
  readonly recording?: () => RecordingView;
  /** Why older details are missing from the store; empty: they are not. */
  readonly cut?: () => string;
  /** Where pages can look back; null: nowhere. */
  readonly moments?: Moments | null;
  readonly limits?: Partial<PublisherLimits>;
}

/** The least time between two rounds; a round follows a change at once when the last one is older than this. */
const ROUND_MS = 100;
/** … and when nothing but figures of workers changed. */
const QUIET_ROUND_MS = 1_000;
const WORKERS_MS = 1_000;
const RESOURCES_MS = 1_000;
/** Windows are brought up to date each round while that costs little, and at least this often. */
const WINDOWS_MS = 200;
/** Those that never hold slices (the strip of all history, rows that move), so often: nobody sees a task in them. */
const SUMS_MS = 400;
/** The share of a core that windows may take before they are brought up to date less often. */
const WINDOWS_SHARE = 0.05;
/** Windows are served so long at a stretch: the source's ticks and other viewers come between two turns. */
const TURN_MS = 8;
const HEARTBEAT_MS = 1_000;
const ALIVE_MS = 15_000;

interface SharedStream {
  readonly name: Stream;
  /** The least time between two messages. */
  readonly every: number;
  next(): ServerMessage | null;
  snapshot(): ServerMessage;
  sentAt: number;
}

/**
 * Tells all viewers what the store holds. A shared stream is pulled and encoded once however many watch, and all of them
 * get the same bytes. Rounds follow the source's ticks, so that a change waits for no clock of ours.
 *
 * A newcomer and a session that was clogged are one case: both need a snapshot. Within a round the cursor is pulled
 * first, so a snapshot stands exactly where the stream goes on.
 */
export class Publisher {
  readonly #store: Store;
  readonly #limits: PublisherLimits;
  readonly #sessions = new Set<Session>();
  readonly #streams: readonly SharedStream[];
  readonly #host: SessionHost;
  readonly #stopListening: () => void;
  #round: NodeJS.Timeout | null = null;
  #roundDue = Number.POSITIVE_INFINITY;
  #roundAt = Number.NEGATIVE_INFINITY;
  #woken: NodeJS.Immediate | null = null;
  #beat: NodeJS.Timeout | null = null;
  #aliveAt = 0;
  #windowsAt = Number.NEGATIVE_INFINITY;
  #sumsAt = Number.NEGATIVE_INFINITY;
  #windowsCost = 0;
  /** Milliseconds spent on windows since they were last to be brought up to date. */
  #windowsSpent = 0;
  #closed = false;
  /** Since the start. */
  bytesSent = 0;
  messagesSent = 0;

  constructor(store: Store, options: PublisherOptions) {
    this.#store = store;
    this.#limits = { ...LIMITS, ...options.limits };
    const { example, recording, cut } = options;
    const view = { example, ...(recording && { recording }), ...(cut && { cut }) };
    const state = new StateCursor(store, view);
    const running = new RunningCursor(store);
    const resources = new ResourcesCursor(store);
    let workersSeq = -1;
    this.#streams = [
      {
        name: 'state',
        every: 0,
        next: () => wrap('state', state.next()),
        snapshot: () => ({ kind: 'state', batch: stateSnapshot(store, view) }),
        sentAt: Number.NEGATIVE_INFINITY,
      },
      {
        name: 'running',
        every: 0,
        next: () => wrap('running', running.next()),
        snapshot: () => ({ kind: 'running', batch: runningSnapshot(store) }),
        sentAt: Number.NEGATIVE_INFINITY,
      },
      {
        name: 'workers',
        every: WORKERS_MS,
        next: () => {
          if (workersSeq === store.seq) return null;
          workersSeq = store.seq;
          return { kind: 'workers', batch: workersBatch(store) };
        },
        snapshot: () => ({ kind: 'workers', batch: workersBatch(store) }),
        sentAt: Number.NEGATIVE_INFINITY,
      },
      {
        name: 'resources',
        every: RESOURCES_MS,
        next: () => wrap('resources', resources.next()),
        snapshot: () => ({ kind: 'resources', batch: resourcesSnapshot(store) }),
        sentAt: Number.NEGATIVE_INFINITY,
      },
    ];
    this.#host = {
      store,
      limits: this.#limits,
      server: options.version,
      moments: options.moments ?? null,
      view,
      wake: () => this.#wake(),
      sent: (bytes) => {
        this.bytesSent += bytes;
        this.messagesSent++;
      },
      ended: (session) => this.#ended(session),
    };
    this.#stopListening = store.onChange((event) => this.#changed(event));
  }

  get viewers(): number {
    return this.#sessions.size;
  }

  get isFull(): boolean {
    return this.#sessions.size >= this.#limits.viewers;
  }

  connect(socket: WebSocket, stream: Socket): void {
    const session = new Session(socket, stream, this.#host);
    this.#sessions.add(session);
    if (this.#closed) session.close();
    this.#beat ??= setInterval(() => this.#heartbeat(), HEARTBEAT_MS);
  }

  /** Closes all sessions; their sockets are gone `graceMs` later at the latest. */
  close(graceMs = 500): void {
    this.#closed = true;
    this.#stopListening();
    for (const session of [...this.#sessions]) session.close(undefined, undefined, graceMs);
    this.#rest();
  }

  #changed(event: SourceEvent): void {
    if (this.#sessions.size > 0) this.#schedule(this.#roundAt + (isQuiet(event) ? QUIET_ROUND_MS : ROUND_MS));
  }

  /** A round at `due` (ms of the monotonic clock) or before; at once where that is past. */
  #schedule(due: number): void {
    if (this.#closed || due >= this.#roundDue) return;
    if (this.#round !== null) clearTimeout(this.#round);
    this.#roundDue = due;
    this.#round = setTimeout(() => this.#runRound(), Math.max(0, due - performance.now()));
  }

  #runRound(): void {
    const now = performance.now();
    this.#round = null;
    this.#roundDue = Number.POSITIVE_INFINITY;
    this.#roundAt = now;
    for (const stream of this.#streams) {
      if (now - stream.sentAt >= stream.every) this.#publish(stream, now);
      // Not due yet: it is looked at again when it is, whether or not anything else changes.
      else if (this.#isWatched(stream.name)) this.#schedule(stream.sentAt + stream.every);
    }
    this.#publishWindows(now);
  }

  /** Pulls a stream and hands it to everyone, with a snapshot for those that are behind. */
  #publish(stream: SharedStream, now: number): void {
    if (!this.#isWatched(stream.name)) return;
    const message = stream.next();
    const bytes = message === null ? null : encode(message);
    if (bytes !== null) stream.sentAt = now;
    let snapshot: Uint8Array | null = null;
    const full = (): Uint8Array => {
      snapshot ??= encode(stream.snapshot());
      return snapshot;
    };
    for (const session of this.#sessions) session.deliver(stream.name, bytes, full);
  }

  #publishWindows(now: number): void {
    const every = Math.min(WINDOWS_MS, Math.max(ROUND_MS / 2, this.#windowsCost / WINDOWS_SHARE));
    const due = this.#windowsAt + every;
    if (now < due) {
      if ([...this.#sessions].some((session) => session.hasWindows)) this.#schedule(due);
      return;
    }
    this.#windowsAt = now;
    this.#windowsCost = 0.8 * this.#windowsCost + 0.2 * this.#windowsSpent;
    this.#windowsSpent = 0;
    const all = now - this.#sumsAt >= SUMS_MS - ROUND_MS / 2;
    if (all) this.#sumsAt = now;
    let left = false;
    for (const session of this.#sessions) if (session.refreshWindows(all)) left = true;
    this.#serveWindows();
    // Whether or not anything else changes.
    if (left) this.#schedule(this.#sumsAt + SUMS_MS);
  }

  /** Goes on with the windows that are to be brought up to date, for one turn; those that were served last come last. */
  #serveWindows(): void {
    const began = performance.now();
    for (const session of [...this.#sessions]) {
      session.deliverWindows();
      if (this.#sessions.delete(session)) this.#sessions.add(session);
      if (performance.now() - began > TURN_MS) break;
    }
    this.#windowsSpent += performance.now() - began;
    if ([...this.#sessions].some((session) => session.wantsWindows)) this.#wake();
  }

  /** Someone waits for a snapshot or a window: serves these alone, once for all that ask in this turn. */
  #wake(): void {
    if (this.#woken !== null || this.#closed) return;
    this.#woken = setImmediate(() => {
      this.#woken = null;
      const now = performance.now();
      for (const stream of this.#streams) {
        if (this.#someBehind(stream.name)) this.#publish(stream, now);
      }
      this.#serveWindows();
    });
  }

  #heartbeat(): void {
    const now = performance.now();
    for (const session of [...this.#sessions]) session.checkClog(now);
    if (now - this.#aliveAt >= ALIVE_MS) {
      this.#aliveAt = now;
      for (const session of [...this.#sessions]) session.checkAlive();
    }
    if ([...this.#sessions].some((session) => session.waits)) this.#wake();
    const state = this.#streams[0]!;
    if (now - state.sentAt < HEARTBEAT_MS * 0.9) return;
    // Some of the state changes without an event: rates fall.
    this.#publish(state, now);
    if (state.sentAt === now) return;
    // The scheduler is silent when nothing happens, but its clock goes on.
    const batch = { seq: this.#store.seq, now: this.#store.clock(), reset: false };
    const bytes = encode({ kind: 'state', batch });
    state.sentAt = now;
    for (const session of this.#sessions) session.deliver('state', bytes, () => encode(state.snapshot()));
  }

  #isWatched(name: Stream): boolean {
    for (const session of this.#sessions) if (session.topics.has(name)) return true;
    return false;
  }

  #someBehind(name: Stream): boolean {
    for (const session of this.#sessions) if (session.needsSnapshot(name)) return true;
    return false;
  }

  #ended(session: Session): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#rest();
  }

  /** Nobody watches: no timer runs. */
  #rest(): void {
    if (this.#round !== null) clearTimeout(this.#round);
    if (this.#woken !== null) clearImmediate(this.#woken);
    if (this.#beat !== null) clearInterval(this.#beat);
    this.#round = null;
    this.#roundDue = Number.POSITIVE_INFINITY;
    this.#woken = null;
    this.#beat = null;
  }
}

function wrap<K extends 'state' | 'running' | 'resources'>(
  kind: K,
  batch: Extract<ServerMessage, { kind: K }>['batch'] | null,
): ServerMessage | null {
  return batch === null ? null : ({ kind, batch } as ServerMessage);
}

/** Figures alone changed: no task, no worker, no link. */
function isQuiet(event: SourceEvent): boolean {
  if (event.kind !== 'tick') return false;
  const { finished, running, functions, workers } = event;
  return !finished && !running && !functions && !workers?.added && !workers?.removed;
}

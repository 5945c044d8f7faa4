import type { Socket } from 'node:net';
import type { WebSocket } from '@fastify/websocket';
import { TaskglassError } from '../../base/errors.ts';
import type { WindowQuery } from '../../model/batch.ts';
import { type ClusterOptions, WindowCursor } from '../../store/queries/cursors.ts';
import type { MatchFilter } from '../../store/queries/record-matches.ts';
import type { Store } from '../../store/store.ts';
import { parseClientMessage } from '../../wire/client-message.ts';
import { encode } from '../../wire/encode.ts';
import { MAX_WINDOWS, type ServerMessage, type Topic, WIRE_VERSION } from '../../wire/message.ts';
import { MomentFeed } from '../moments/feed.ts';
import type { Moments } from '../moments/moments.ts';
import { windowMatch } from '../routes/text-test.ts';

/** The streams that are the same for every viewer. */
export type Stream = 'state' | Topic;

export interface SessionLimits {
  /** A socket with more than this unsent is clogged: it gets nothing until half of it is gone. */
  readonly bufferedBytes: number;
  /** A socket that stays clogged as long as this is closed. */
  readonly clogMs: number;
}

/** What a session needs of the publisher. */
export interface SessionHost {
  readonly store: Store;
  readonly limits: SessionLimits;
  readonly server: string;
  /** Null: there is no recording to look back in. */
  readonly moments: Moments | null;
  /** What the cluster's view says of the server itself. */
  readonly view: ClusterOptions;
  /** Something here waits to be sent: a snapshot or a window. */
  wake(): void;
  sent(bytes: number): void;
  ended(session: Session): void;
}

interface OpenWindow {
  query: WindowQuery;
  /** What the query's filter asks; absent: there is none. */
  matching: MatchFilter | undefined;
  /** null: the next answer is a reset. */
  cursor: WindowCursor | null;
  /** It is to be brought up to date. */
  due: boolean;
}

/** Rows of the store that one step of an answer goes through, at most about: a few milliseconds. */
const STEP_ROWS = 40_000;

/** Close codes of RFC 6455 that are sent here. */
const GOING_AWAY = 1001;
const POLICY = 1008;
const TRY_LATER = 1013;

/**
 * One viewer. It is told of everything once, and never queued for: what cannot be sent now is remembered as "out of
 * date" (a name in a set), and a snapshot takes its place when the socket has drained. So the memory that a slow browser
 * costs has a bound, and nobody else notices it.
 */
export class Session {
  readonly topics = new Set<Stream>();
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  readonly #host: SessionHost;
  /** Streams whose next message must be a snapshot. */
  readonly #behind = new Set<Stream>();
  readonly #windows = new Map<number, OpenWindow>();
  /** Tells what was true at another time, in place of the shared streams. */
  #feed: MomentFeed | null = null;
  #greeted = false;
  #cloggedSince: number | null = null;
  #alive = true;
  #ended = false;
  #gathering = false;

  /** `stream` is what `socket` speaks over. */
  constructor(socket: WebSocket, stream: Socket, host: SessionHost) {
    this.#socket = socket;
    this.#stream = stream;
    this.#host = host;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('close', () => this.#end());
    socket.on('error', () => socket.terminate());
    this.#send({ kind: 'hello', version: WIRE_VERSION, server: host.server });
  }

  /** Something is to be sent outside the usual round. */
  get waits(): boolean {
    if (this.#cloggedSince !== null && this.#isClogged()) return false;
    return (this.#feed === null && this.#behind.size > 0) || this.#hasDueWindow();
  }

  needsSnapshot(stream: Stream): boolean {
    return this.#feed === null && this.#behind.has(stream) && !this.#isClogged();
  }

  /** The next message of a shared stream; `snapshot` is asked for when this session missed one before it. */
  deliver(stream: Stream, bytes: Uint8Array | null, snapshot: () => Uint8Array): void {
    if (this.#feed !== null || !this.topics.has(stream) || (bytes === null && !this.#behind.has(stream))) return;
    if (this.#isClogged()) {
      this.#behind.add(stream);
    } else if (this.#behind.delete(stream)) {
      this.#sendBytes(snapshot());
    } else if (bytes !== null) {
      this.#sendBytes(bytes);
    }
  }

  /** Windows are to be brought up to date: all, or those alone that may hold slices. True: there are others. */
  refreshWindows(all: boolean): boolean {
    let left = false;
    for (const window of this.#windows.values()) {
      if (all || window.query.maxSlices > 0) window.due = true;
      else left = true;
    }
    return left;
  }

  /** True: {@link deliverWindows} would bring something nearer. */
  get wantsWindows(): boolean {
    return this.#hasDueWindow() && !this.#isClogged();
  }

  /** Goes on with each window that is to be brought up to date, one step; sends what is ready. */
  deliverWindows(): void {
    for (const [id, window] of this.#windows) {
      if (!window.due) continue;
      if (this.#isClogged()) {
        // What comes meanwhile is not kept for this session; the answer after it is a reset.
        window.cursor = null;
        continue;
      }
      window.cursor ??= new WindowCursor(this.#host.store, window.query, undefined, window.matching);
      const batch = window.cursor.step(STEP_ROWS);
      window.due = window.cursor.unfinished;
      if (batch === null) continue;
      // The clock of this viewer stands elsewhere.
      const now = this.#feed?.now ?? batch.now;
      this.#send({ kind: 'window', id, batch: { ...batch, now } });
    }
  }

  get hasWindows(): boolean {
    return this.#windows.size > 0;
  }

  /** Ends a session that stays clogged. `now` in ms of the monotonic clock. */
  checkClog(now: number): void {
    if (!this.#isClogged()) return;
    if (this.#cloggedSince !== null && now - this.#cloggedSince >= this.#host.limits.clogMs) {
      this.refuse(new TaskglassError('VIEWER_TOO_SLOW', 'the page did not read what it was sent'));
    }
  }

  /** Ends a session whose browser is gone without a word. */
  checkAlive(): void {
    if (!this.#alive) {
      this.#socket.terminate();
      return;
    }
    this.#alive = false;
    this.#socket.ping();
  }

  /** Says why and closes. */
  refuse(error: TaskglassError): void {
    if (!this.#isClogged()) this.#send({ kind: 'error', code: error.code, detail: error.detail });
    this.close(error.code === 'VIEWER_TOO_SLOW' ? TRY_LATER : POLICY, error.code);
  }

  /** Closes; the socket is gone within `graceMs` even when its browser does not answer. */
  close(code: number = GOING_AWAY, reason = 'closing', graceMs = 1_000): void {
    this.#socket.close(code, reason);
    const timer = setTimeout(() => this.#socket.terminate(), graceMs);
    this.#socket.once('close', () => clearTimeout(timer));
    this.#end();
  }

  /** Clogged from the upper mark until half of it has drained. */
  #isClogged(): boolean {
    const { bufferedAmount } = this.#socket;
    const { bufferedBytes } = this.#host.limits;
    if (bufferedAmount > bufferedBytes) this.#cloggedSince ??= performance.now();
    else if (bufferedAmount <= bufferedBytes / 2) this.#cloggedSince = null;
    return this.#cloggedSince !== null;
  }

  #hasDueWindow(): boolean {
    for (const window of this.#windows.values()) if (window.due) return true;
    return false;
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    try {
      if (isBinary) throw new TaskglassError('WIRE_MALFORMED', 'a page sends text');
      this.#handle(data.toString('utf8'));
    } catch (error) {
      this.refuse(
        error instanceof TaskglassError ? error : new TaskglassError('INTERNAL', 'the message was not handled'),
      );
    }
  }

  #handle(text: string): void {
    const message = parseClientMessage(text);
    if (!this.#greeted && message.kind !== 'hello') throw new TaskglassError('WIRE_MALFORMED', 'hello comes first');
    switch (message.kind) {
      case 'hello':
        if (message.version !== WIRE_VERSION) {
          throw new TaskglassError('WIRE_VERSION', `the page speaks ${message.version}, the server ${WIRE_VERSION}`);
        }
        this.#greeted = true;
        this.#subscribe('state');
        break;
      case 'subscribe':
        for (const stream of this.topics) {
          if (stream !== 'state' && !message.topics.includes(stream)) {
            this.topics.delete(stream);
            this.#behind.delete(stream);
          }
        }
        for (const topic of message.topics) this.#subscribe(topic);
        break;
      case 'window':
        if (!this.#windows.has(message.id) && this.#windows.size >= MAX_WINDOWS) {
          throw new TaskglassError('WIRE_MALFORMED', `more than ${MAX_WINDOWS} windows`);
        }
        this.#windows.set(message.id, {
          query: message.query,
          matching: this.#matching(message.query),
          cursor: null,
          due: true,
        });
        this.#host.wake();
        break;
      case 'close-window':
        this.#windows.delete(message.id);
        break;
      case 'playhead':
        this.#look(message.time, message.speed);
        break;
      case 'ping':
        if (!this.#isClogged()) this.#send({ kind: 'pong', id: message.id });
        break;
    }
  }

  /** What is no pattern is in no key; whoever sent it is told. */
  #matching({ filter }: WindowQuery): MatchFilter | undefined {
    if (filter === undefined) return undefined;
    try {
      return windowMatch(filter);
    } catch (error) {
      if (!(error instanceof TaskglassError)) throw error;
      this.#sayNo(error);
      return { text: () => false };
    }
  }

  #subscribe(stream: Stream): void {
    this.topics.add(stream);
    this.#behind.add(stream);
    if (this.#feed === null) this.#host.wake();
    else this.#feed.subscribed();
  }

  /** Goes to another time, or back to now. */
  #look(time: number | null, speed: number): void {
    if (time === null) {
      this.#lookNow();
      return;
    }
    try {
      this.#feed ??= this.#openFeed();
      this.#feed.set(time, speed);
    } catch (error) {
      if (!(error instanceof TaskglassError)) throw error;
      this.#sayNo(error);
    }
  }

  #openFeed(): MomentFeed {
    const { moments, view } = this.#host;
    if (moments === null) throw new TaskglassError('NOT_RECORDED', 'nothing was written down');
    return new MomentFeed({
      moments,
      view,
      topics: this.topics,
      isClogged: () => this.#isClogged(),
      send: (message) => this.#send(message),
      arrived: () => this.#lookNow(),
      failed: (error) => {
        this.#sayNo(error);
        this.#lookNow();
      },
    });
  }

  /** What is shared is told from its beginning. */
  #lookNow(): void {
    if (this.#feed === null) return;
    this.#feed.close();
    this.#feed = null;
    for (const stream of this.topics) this.#behind.add(stream);
    this.#host.wake();
  }

  #sayNo({ code, detail }: TaskglassError): void {
    if (!this.#isClogged()) this.#send({ kind: 'error', code, detail });
  }

  #send(message: ServerMessage): void {
    this.#sendBytes(encode(message));
  }

  #sendBytes(bytes: Uint8Array): void {
    if (this.#ended || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#gather();
    this.#socket.send(bytes, { binary: true });
    this.#host.sent(bytes.byteLength);
  }

  /** What is sent in one turn leaves in one system call instead of one a message. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#gathering = false;
      this.#stream.uncork();
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#feed?.close();
    this.topics.clear();
    this.#behind.clear();
    this.#windows.clear();
    this.#host.ended(this);
  }
}

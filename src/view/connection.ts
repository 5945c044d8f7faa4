import { TaskglassError } from '../base/errors.ts';
import type { WindowQuery } from '../model/batch.ts';
import { stringifyClientMessage } from '../wire/client-message.ts';
import { decode } from '../wire/decode.ts';
import { type ClientMessage, type ServerMessage, TOPICS, type Topic, WIRE_VERSION } from '../wire/message.ts';

/**
 * `open`: messages come. `silent`: the socket stands but nothing was heard for {@link SILENT_AFTER} ms. `lost`: no socket;
 * it is retried for ever. `version`: page and server speak different versions and reloading did not help.
 */
type ConnectionState = 'connecting' | 'open' | 'silent' | 'lost' | 'version';

export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** When something was heard last, ms since epoch of this browser's clock (for people, never for data); 0 = never. */
  readonly heard: number;
  /** Failed tries since the last message. */
  readonly attempts: number;
  /** The server's name and version, empty before its hello. */
  readonly server: string;
  /** The last refusal the server sent, for people. */
  readonly refusal: string;
}

/** A window that the server keeps up to date. Its data are in the replica under `id`. */
export interface LiveWindow extends Disposable {
  readonly id: number;
  readonly query: WindowQuery;
  /** Looks elsewhere; the answer begins with a reset. */
  move(query: WindowQuery): void;
}

/** The part of a WebSocket that is used. */
export interface Socket {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  onerror: (() => void) | null;
  send(data: string): void;
  close(): void;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onStatus: (status: ConnectionStatus) => void;
  /** The server speaks another version than this page: fetch the right page. False: that was tried already. */
  readonly reload: (server: string) => boolean;
  readonly connect: (url: string) => Socket;
}

const PING_EVERY = 200;
/** Nothing heard for this long: people are told. A lost server is announced within a second. */
export const SILENT_AFTER = 700;
/** Nothing heard for this long: the socket is given up. */
export const DEAD_AFTER = 6_000;
const FIRST_RETRY = 250;
const LONGEST_RETRY = 2_500;

/**
 * The page's line to its server: says hello, subscribes, keeps windows open, notices silence, comes back by itself and
 * asks again for everything it had asked for. Retrying never ends; `dispose` does.
 */
export class Connection implements Disposable {
  readonly #options: ConnectionOptions;
  readonly #topics = new Map<Topic, number>();
  readonly #windows = new Map<number, WindowQuery>();
  #playhead: { readonly time: number; readonly speed: number; readonly since: number } | null = null;
  #socket: Socket | null = null;
  #greeted = false;
  #status: ConnectionStatus = { state: 'connecting', heard: 0, attempts: 0, server: '', refusal: '' };
  /** When something was heard last, ms of performance.now(), moved on by time in which this page did not run. */
  #heardAt = 0;
  #ticked = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #subscribing = false;
  #lastWindow = 0;
  #lastPing = 0;
  #disposed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  start(): void {
    this.#ticked = performance.now();
    this.#timer = setInterval(() => this.#tick(), PING_EVERY);
    this.#open();
  }

  /** Asks for a topic until the returned function is called. Any number may ask for the same one. */
  subscribe(topic: Topic): () => void {
    this.#topics.set(topic, (this.#topics.get(topic) ?? 0) + 1);
    this.#resubscribe();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#topics.set(topic, (this.#topics.get(topic) ?? 1) - 1);
      this.#resubscribe();
    };
  }

  openWindow(query: WindowQuery): LiveWindow {
    const id = ++this.#lastWindow;
    const show = (next: WindowQuery) => {
      this.#windows.set(id, next);
      this.#send({ kind: 'window', id, query: next });
    };
    show(query);
    const windows = this.#windows;
    return {
      id,
      get query() {
        return windows.get(id) ?? query;
      },
      move: (next) => {
        if (windows.has(id)) show(next);
      },
      [Symbol.dispose]: () => {
        if (windows.delete(id)) this.#send({ kind: 'close-window', id });
      },
    };
  }

  /** Asks for what was true at a time, epoch seconds, and as it plays on from there; null: for what is true now. */
  lookAt(time: number | null, speed = 0): void {
    this.#playhead = time === null ? null : { time, speed, since: performance.now() };
    if (this.#status.refusal !== '') this.#update({ refusal: '' });
    this.#send({ kind: 'playhead', time, speed });
  }

  /** The server has gone back to now by itself. */
  forgetPlayhead(): void {
    this.#playhead = null;
  }

  /** Tries at once instead of waiting for the next try. */
  retryNow(): void {
    if (this.#status.state === 'lost' && !this.#disposed) this.#open();
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#drop();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #open(): void {
    this.#drop();
    const socket = this.#options.connect(this.#options.url);
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.#greeted = true;
      this.#send({ kind: 'hello', version: WIRE_VERSION });
      this.#sendTopics();
      if (this.#playhead !== null) {
        const { time, speed, since } = this.#playhead;
        this.#send({ kind: 'playhead', time: time + ((performance.now() - since) / 1000) * speed, speed });
      }
      for (const [id, query] of this.#windows) this.#send({ kind: 'window', id, query });
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.#receive(data);
    };
    socket.onclose = () => this.#lose();
    socket.onerror = () => this.#lose();
  }

  #receive(data: ArrayBuffer): void {
    this.#heardAt = performance.now();
    let message: ServerMessage;
    try {
      message = decode(new Uint8Array(data));
    } catch (error) {
      if (error instanceof TaskglassError && error.code === 'WIRE_VERSION') this.#mismatch('');
      else this.#lose();
      return;
    }
    const heard = Date.now();
    if (message.kind === 'hello') {
      if (message.version !== WIRE_VERSION) {
        this.#mismatch(message.server);
        return;
      }
      this.#update({ state: 'open', heard, attempts: 0, server: message.server, refusal: '' });
    } else if (message.kind === 'error') {
      if (message.code === 'WIRE_VERSION') {
        this.#mismatch(this.#status.server);
        return;
      }
      // Of a pattern in a filter; whoever typed it hears of it where it was typed.
      this.#update(message.code === 'QUERY_INVALID' ? { heard } : { heard, refusal: message.detail });
    } else if (this.#status.state !== 'open') this.#update({ state: 'open', heard, attempts: 0 });
    else this.#status = { ...this.#status, heard };
    this.#options.onMessage(message);
  }

  #mismatch(server: string): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#drop();
    this.#disposed = true;
    if (!this.#options.reload(server)) this.#update({ state: 'version', server });
  }

  #tick(): void {
    const now = performance.now();
    const passed = now - this.#ticked;
    this.#ticked = now;
    // A timer that came late (a busy page, a hidden or sleeping tab) says nothing about the server.
    if (passed > SILENT_AFTER - PING_EVERY) this.#heardAt += passed - PING_EVERY;
    if (this.#socket === null) return;
    const silence = now - this.#heardAt;
    if (silence > DEAD_AFTER) this.#lose();
    else {
      if (silence >= SILENT_AFTER && this.#status.state === 'open') this.#update({ state: 'silent' });
      this.#send({ kind: 'ping', id: ++this.#lastPing });
    }
  }

  #lose(): void {
    if (this.#disposed) return;
    this.#drop();
    const attempts = this.#status.attempts + 1;
    this.#update({ state: this.#status.heard === 0 && attempts < 2 ? 'connecting' : 'lost', attempts });
    const wait = Math.min(LONGEST_RETRY, FIRST_RETRY * 1.7 ** (attempts - 1));
    // Many pages lose one server at the same moment; they must not come back at the same moment.
    this.#retry = setTimeout(() => this.#open(), wait * (0.75 + Math.random() / 2));
  }

  /** Lets go of the socket and of a pending try; says nothing. */
  #drop(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    const socket = this.#socket;
    this.#socket = null;
    this.#greeted = false;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  #resubscribe(): void {
    if (this.#subscribing) return;
    this.#subscribing = true;
    // A page that changes leaves topics and takes up others in one go; the server hears the outcome only.
    queueMicrotask(() => {
      this.#subscribing = false;
      this.#sendTopics();
    });
  }

  #sendTopics(): void {
    this.#send({ kind: 'subscribe', topics: TOPICS.filter((topic) => (this.#topics.get(topic) ?? 0) > 0) });
  }

  #send(message: ClientMessage): void {
    if (this.#greeted) this.#socket?.send(stringifyClientMessage(message));
  }

  #update(change: Partial<ConnectionStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.#options.onStatus(this.#status);
  }
}

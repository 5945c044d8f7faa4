import { stringifyClientMessage } from '../wire/client-message.ts';
import { WIRE_VERSION } from '../wire/message.ts';
import type { Socket } from './connection.ts';

/**
 * A socket that was opened before there was anybody to use it: it says hello by itself and keeps what it hears until
 * {@link EarlySocket.replay}.
 */
export class EarlySocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly url: string;
  readonly #socket: Socket;
  readonly #hello = stringifyClientMessage({ kind: 'hello', version: WIRE_VERSION });
  #heard: { data: unknown }[] | null = [];
  #state: 'opening' | 'open' | 'ended' = 'opening';
  #greeted = false;

  constructor(url: string, connect: (url: string) => Socket) {
    this.url = url;
    const socket = connect(url);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.#state = 'open';
      socket.send(this.#hello);
      this.#greeted = true;
      if (this.#heard === null) this.onopen?.();
    };
    socket.onmessage = (event) => {
      if (this.#heard === null) this.onmessage?.(event);
      else this.#heard.push(event);
    };
    socket.onclose = socket.onerror = () => {
      this.#state = 'ended';
      if (this.#heard === null) this.onclose?.();
    };
  }

  get binaryType(): string {
    return this.#socket.binaryType;
  }

  set binaryType(type: string) {
    this.#socket.binaryType = type;
  }

  /** Tells whoever has set the handlers what happened so far, and from now on everything as it happens. */
  replay(): void {
    const heard = this.#heard ?? [];
    this.#heard = null;
    if (this.#state === 'ended') {
      this.onclose?.();
      return;
    }
    if (this.#state === 'open') this.onopen?.();
    for (const event of heard) this.onmessage?.(event);
  }

  send(data: string): void {
    // It was said already.
    if (this.#greeted && data === this.#hello) this.#greeted = false;
    else this.#socket.send(data);
  }

  close(): void {
    this.#socket.close();
  }
}

declare global {
  /** What `early.ts` opened for `main.ts`. */
  var taskglassSocket: EarlySocket | undefined;
}

/** The socket that is open already, where it is one of this address; else a new one. */
export function connectEarly(url: string): Socket {
  const early = globalThis.taskglassSocket;
  globalThis.taskglassSocket = undefined;
  if (early === undefined) return connectWebSocket(url);
  if (early.url !== url) {
    early.close();
    return connectWebSocket(url);
  }
  // Whoever called sets the handlers first.
  queueMicrotask(() => early.replay());
  return early;
}

export function connectWebSocket(url: string): Socket {
  return new WebSocket(url) as unknown as Socket;
}

import type { WindowQuery } from '../../model/batch.ts';
import { parseClientMessage } from '../../wire/client-message.ts';
import { decode } from '../../wire/decode.ts';
import { encode } from '../../wire/encode.ts';
import { type ServerMessage, WIRE_VERSION } from '../../wire/message.ts';
import type { Socket } from '../connection.ts';
import type { ReportStore } from './history.ts';
import { windowAnswer } from './window-answer.ts';

export interface ReportSocketOptions {
  /** Version of the server that made the file. */
  readonly server: string;
  /** What that server would have said of the present. */
  readonly messages: readonly Uint8Array<ArrayBuffer>[];
  readonly store: ReportStore;
}

/**
 * A server in the page's own process, as the page sees it: a socket that answers from the file. So everything behind it, from the
 * connection to the panels, is what a page of a server has.
 */
export class ReportSocket implements Socket {
  binaryType = 'arraybuffer';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly #options: ReportSocketOptions;
  readonly #windows = new Map<number, WindowQuery>();
  /** Windows to be answered. */
  readonly #due = new Set<number>();

  constructor(options: ReportSocketOptions) {
    this.#options = options;
    // Whoever made it sets the handlers first.
    queueMicrotask(() => this.onopen?.());
  }

  send(data: string): void {
    const message = parseClientMessage(data);
    switch (message.kind) {
      case 'hello':
        this.#say({ kind: 'hello', version: WIRE_VERSION, server: this.#options.server });
        this.#tell('state');
        break;
      case 'subscribe':
        for (const topic of message.topics) this.#tell(topic);
        break;
      case 'window':
        this.#windows.set(message.id, message.query);
        this.#want(message.id);
        break;
      case 'close-window':
        this.#windows.delete(message.id);
        break;
      case 'ping':
        this.#say({ kind: 'pong', id: message.id });
        break;
    }
  }

  close(): void {
    this.#windows.clear();
  }

  /** There is more history than before: all windows are answered anew. */
  refresh(): void {
    for (const id of this.#windows.keys()) this.#want(id);
  }

  /** A window that moves often is answered once a turn. */
  #want(id: number): void {
    if (this.#due.size === 0) queueMicrotask(() => this.#answer());
    this.#due.add(id);
  }

  #answer(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const id of due) {
      const query = this.#windows.get(id);
      if (query !== undefined) this.#say({ kind: 'window', id, batch: windowAnswer(this.#options.store, query) });
    }
  }

  #tell(kind: string): void {
    for (const bytes of this.#options.messages) {
      if (decode(bytes).kind === kind) this.onmessage?.({ data: bytes.buffer });
    }
  }

  #say(message: ServerMessage): void {
    this.onmessage?.({ data: encode(message).buffer });
  }
}

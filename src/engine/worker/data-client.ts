import { connect, type Socket } from 'node:net';
import { ByteQueue } from './byte-queue.ts';

/** Fetches results from workers' data servers. One connection per worker, kept open. */

export interface DataItem {
  readonly key: string;
  readonly attempt: number;
}

/** What was asked for, in the same order; null where the worker does not have it. */
export type DataAnswer = readonly (Uint8Array<ArrayBuffer> | null)[];

/** A worker that says nothing for so long is taken for dead. Its main thread never runs tasks. */
const SILENCE_MS = 30_000;

export class DataClient {
  readonly #secret: string;
  readonly #links = new Map<string, Link>();
  #closed = false;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** @throws when the worker cannot be reached or the connection ends before the answer is complete */
  fetch(address: string, items: readonly DataItem[]): Promise<DataAnswer> {
    if (this.#closed) return Promise.reject(new Error('closed'));
    let link = this.#links.get(address);
    if (link === undefined || link.broken) {
      link = new Link(address, this.#secret);
      this.#links.set(address, link);
    }
    return link.ask(items);
  }

  /** Ends the connection to a worker that is gone; what is asked of it rejects. */
  forget(address: string): void {
    this.#links.get(address)?.end(new Error(`${address} is gone`));
    this.#links.delete(address);
  }

  close(): void {
    this.#closed = true;
    for (const address of [...this.#links.keys()]) this.forget(address);
  }
}

interface Request {
  readonly count: number;
  readonly resolve: (answer: DataAnswer) => void;
  readonly reject: (error: Error) => void;
  sizes: number[] | null;
  readonly received: (Uint8Array<ArrayBuffer> | null)[];
}

class Link {
  readonly #socket: Socket;
  readonly #queue = new ByteQueue();
  readonly #requests: Request[] = [];
  broken = false;

  constructor(address: string, secret: string) {
    const { hostname, port } = new URL(address);
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.setTimeout(SILENCE_MS, () => {
      if (this.#requests.length > 0) this.end(new Error(`${address} does not answer`));
    });
    this.#socket.on('error', (error) => this.end(error));
    this.#socket.on('close', () => this.end(new Error(`${address} closed the connection`)));
    this.#socket.on('data', (chunk) => {
      this.#queue.push(chunk);
      this.#read();
    });
    this.#socket.write(secret);
    // An idle connection keeps no process alive.
    this.#socket.unref();
  }

  ask(items: readonly DataItem[]): Promise<DataAnswer> {
    return new Promise((resolve, reject) => {
      this.#requests.push({ count: items.length, resolve, reject, sizes: null, received: [] });
      this.#socket.ref();
      const text = Buffer.from(JSON.stringify(items.map(({ key, attempt }) => [key, attempt])));
      const head = Buffer.alloc(4);
      head.writeUInt32BE(text.byteLength);
      this.#socket.cork();
      this.#socket.write(head);
      this.#socket.write(text);
      this.#socket.uncork();
    });
  }

  end(error: Error): void {
    if (this.broken) return;
    this.broken = true;
    this.#socket.destroy();
    for (const request of this.#requests.splice(0)) request.reject(error);
  }

  #read(): void {
    for (let request = this.#requests[0]; request !== undefined; request = this.#requests[0]) {
      if (!this.#fill(request)) return;
      this.#requests.shift();
      request.resolve(request.received);
    }
    this.#socket.unref();
  }

  /** Whether the request's answer is complete now. */
  #fill(request: Request): boolean {
    if (request.sizes === null) {
      if (this.#queue.length < 8 * request.count) return false;
      const head = new DataView(this.#queue.take(8 * request.count).buffer);
      request.sizes = Array.from({ length: request.count }, (_, i) => head.getFloat64(8 * i));
    }
    while (request.received.length < request.count) {
      const size = request.sizes[request.received.length]!;
      if (size < 0) request.received.push(null);
      else if (this.#queue.length >= size) request.received.push(this.#queue.take(size));
      else return false;
    }
    return true;
  }
}

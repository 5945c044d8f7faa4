import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { ByteQueue } from './byte-queue.ts';

/**
 * Hands out results to other processes of the cluster, over TCP on the loopback interface.
 *
 * A connection begins with the cluster's secret ({@link SECRET_BYTES} of text). Each request is a length (u32, big
 * endian) and a JSON array of `[key, attempt]`; its answer is one size per pair (f64, −1 where it is not here) and
 * then the bytes of all of them behind one another. Requests of one connection are answered in order.
 */
export const SECRET_BYTES = 64;
const LONGEST_REQUEST = 16 * 1024 * 1024;
const HELLO_MS = 5_000;

export class DataServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #secret: string;
  readonly #lookup: (key: string, attempt: number) => Uint8Array | undefined;
  /** Requests answered, and what was in the answers. */
  readonly sent = { requests: 0, results: 0, nbytes: 0 };

  constructor(secret: string, lookup: (key: string, attempt: number) => Uint8Array | undefined) {
    this.#secret = secret;
    this.#lookup = lookup;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  /** Listens on a free port; gives the address as `tcp://127.0.0.1:PORT`. */
  listen(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(`tcp://127.0.0.1:${address.port}`);
      });
    });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const queue = new ByteQueue();
    let trusted = false;
    const impatience = setTimeout(() => socket.destroy(), HELLO_MS);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(impatience);
      this.#sockets.delete(socket);
    });
    socket.on('data', (chunk) => {
      queue.push(chunk);
      if (!trusted) {
        if (queue.length < SECRET_BYTES) return;
        trusted = same(queue.take(SECRET_BYTES), this.#secret);
        clearTimeout(impatience);
        if (!trusted) {
          socket.destroy();
          return;
        }
      }
      while (queue.length >= 4) {
        const size = queue.peekUint32();
        if (size > LONGEST_REQUEST) {
          socket.destroy();
          return;
        }
        if (queue.length < 4 + size) return;
        queue.take(4);
        const request = queue.take(size);
        try {
          this.#answer(socket, request);
        } catch {
          // Not a request of ours, secret or not: nothing that is said here may end a worker.
          socket.destroy();
          return;
        }
      }
    });
  }

  #answer(socket: Socket, request: Uint8Array): void {
    const pairs = JSON.parse(Buffer.from(request).toString('utf8')) as [key: string, attempt: number][];
    const found = pairs.map(([key, attempt]) => this.#lookup(key, attempt));
    const sizes = Buffer.alloc(8 * found.length);
    found.forEach((data, i) => {
      sizes.writeDoubleBE(data === undefined ? -1 : data.byteLength, 8 * i);
    });
    this.sent.requests++;
    socket.cork();
    socket.write(sizes);
    for (const data of found) {
      if (data === undefined) continue;
      this.sent.results++;
      this.sent.nbytes += data.byteLength;
      if (data.byteLength > 0) socket.write(data);
    }
    socket.uncork();
  }
}

function same(said: Uint8Array, secret: string): boolean {
  const hash = (data: Uint8Array | string) => createHash('sha256').update(data).digest();
  return timingSafeEqual(hash(said), hash(secret));
}

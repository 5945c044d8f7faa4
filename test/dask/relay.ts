import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';

/** A TCP relay that can be cut. */
export class Relay implements AsyncDisposable {
  readonly #server;
  readonly #sockets = new Set<Socket>();
  up = true;
  /** Bytes that went to the target. */
  sent = 0;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      if (!this.up) return void client.destroy();
      const upstream = connectTcp(target, '127.0.0.1');
      client.on('data', (bytes: Buffer) => {
        this.sent += bytes.length;
      });
      for (const [a, b] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(a);
        a.on('error', () => b.destroy());
        a.on('close', () => b.destroy());
        a.pipe(b);
      }
    });
  }

  static async start(target: number): Promise<Relay> {
    const relay = new Relay(target);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get address(): string {
    return `tcp://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  cut(): void {
    this.up = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
  }
}

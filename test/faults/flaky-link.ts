import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** How bytes pass: all of it can be changed at any time. */
export interface Weather {
  /** False: new connections are refused. */
  up: boolean;
  /** True: nothing passes, and the connections stay. */
  stalled: boolean;
  /** Milliseconds that every piece waits. */
  delay: number;
  /** Bytes of a piece; 0 = as they come. */
  piece: number;
  /** Bytes a second and direction; 0 = as fast as they come. */
  rate: number;
}

/** A TCP link between two parties that behaves as badly as real ones: it stalls, delays, splits, truncates and resets. */
export class FlakyLink implements AsyncDisposable {
  readonly weather: Weather = { up: true, stalled: false, delay: 0, piece: 0, rate: 0 };
  readonly #server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(target: number) {
    this.#server = createServer((client) => {
      client.on('error', () => {});
      if (!this.weather.up) return void client.resetAndDestroy();
      const upstream = connect(target, '127.0.0.1');
      const pair = [client, upstream] as const;
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [upstream, client] as const]) {
        from.setNoDelay(true);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#pairs.delete(pair);
          to.destroy();
        });
        void this.#pass(from, to);
      }
    });
  }

  static async to(target: number): Promise<FlakyLink> {
    const link = new FlakyLink(target);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Every connection ends with a reset, in the middle of whatever it was saying. */
  reset(): void {
    for (const [client, upstream] of this.#pairs) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  }

  /** Half of the next piece passes, and the connection ends as if the other side had closed it. */
  truncate(): void {
    for (const [client, upstream] of this.#pairs) {
      upstream.once('data', (data: Buffer) => {
        client.end(data.subarray(0, data.length >> 1));
        upstream.destroy();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const [client, upstream] of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    const { weather } = this;
    try {
      for await (const data of from as AsyncIterable<Buffer>) {
        const piece = weather.piece > 0 ? weather.piece : data.length;
        for (let at = 0; at < data.length; at += piece) {
          while (weather.stalled && !to.destroyed) await pause(20);
          if (weather.delay > 0) await pause(weather.delay);
          if (weather.rate > 0) await pause((1000 * Math.min(piece, data.length - at)) / weather.rate);
          if (to.destroyed) return;
          if (!to.write(data.subarray(at, at + piece))) await once(to, 'drain');
        }
      }
      to.end();
    } catch {
      to.destroy();
    }
  }
}

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A way to a port of this machine that can be opened and closed: closed, connections end, and new ones are taken and wait. So
 * who comes this way is back as soon as it is open.
 */
export class Gateway implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #waiting = new Set<Socket>();
  readonly #through = new Set<Socket>();
  #open = true;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (socket) => this.#take(socket));
  }

  static async start(target: number): Promise<Gateway> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Gateway(server, target);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  open(): void {
    this.#open = true;
    for (const socket of this.#waiting) this.#lead(socket);
    this.#waiting.clear();
  }

  close(): void {
    this.#open = false;
    for (const socket of this.#through) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    for (const socket of this.#waiting) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(socket: Socket): void {
    socket.on('error', () => {}).on('close', () => this.#waiting.delete(socket));
    if (this.#open) this.#lead(socket);
    else this.#waiting.add(socket);
  }

  #lead(socket: Socket): void {
    const there = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    for (const [from, to] of [
      [socket, there],
      [there, socket],
    ] as const) {
      this.#through.add(from);
      from
        .on('error', () => {})
        .on('close', () => {
          this.#through.delete(from);
          to.destroy();
        });
      from.pipe(to);
    }
  }
}

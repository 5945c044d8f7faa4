import { once } from 'node:events';
import { WebSocket } from 'ws';

/** What a Node process holds, asked over its inspector (start it with `--inspect=127.0.0.1:0`). */
export class LiveMemory implements AsyncDisposable {
  readonly #socket: WebSocket;
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** `output`: what the process has printed by now, the address of its inspector among it. */
  static async of(output: string): Promise<LiveMemory> {
    const address = /Debugger listening on (ws:\S+)/.exec(output)?.[1];
    if (address === undefined) throw new Error(`No inspector in:\n${output}`);
    const socket = new WebSocket(address);
    await once(socket, 'open');
    return new LiveMemory(socket);
  }

  /** Bytes on the heap and beside it (buffers) that a collection leaves. */
  async bytes(): Promise<number> {
    // What the first one finds unused lets go of buffers that only the second one gives back.
    for (let i = 0; i < 2; i++) await this.#ask('HeapProfiler.collectGarbage');
    const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
    const { result } = (await this.#ask('Runtime.evaluate', { expression })) as { result: { value: number } };
    return result.value;
  }

  async #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#asked;
    this.#socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [data] = (await once(this.#socket, 'message', { signal: AbortSignal.timeout(60_000) })) as [Buffer];
      const message = JSON.parse(data.toString()) as { id?: number; result?: unknown; error?: { message: string } };
      if (message.id !== id) continue;
      if (message.error !== undefined) throw new Error(`${method}: ${message.error.message}`);
      return message.result;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
  }
}
